"""Score: one object of a batch job, by the package that the job was planned with."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.batch.scorer import Scorer
from tidegate.batch.values import Piece
from tidegate.batch.working import Workshop, note_failure, score_piece
from tidegate.errors import TidegateError
from tidegate.scoring.onnx_session import OnnxSession

logger = Logger(service="score")


@logger.inject_lambda_context(correlation_id_path="job")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Score the piece; answer with where its output lies and what was counted."""
    piece = Piece.from_event(event)
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(wiring.objects(), _scorer, Path(folder))
        try:
            part = score_piece(piece, shop)
        except TidegateError:  # which is written down
            raise
        except Exception as error:
            note_failure(piece, error, shop.objects)
            raise
    reused = part.job != piece.job
    logger.info("scored", rows=part.rows, bad_rows=part.bad_rows, reused=reused)
    output = asdict(part.output) if part.output else {}
    return {"output": output, "rows": part.rows, "bad_rows": part.bad_rows, "reused": reused}


@lru_cache(maxsize=1)  # an environment works on one job after the other
def _scorer(model: str, digest: str) -> Scorer:
    package = wiring.catalog().whole_package(model, digest)
    return Scorer(package.contract, OnnxSession(package.model))
