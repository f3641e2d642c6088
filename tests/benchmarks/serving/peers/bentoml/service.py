"""BentoML: a service with one worker and an asynchronous endpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml

from tests.benchmarks.serving.limits import Limit


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Model:
    """Answers records."""

    def __init__(self) -> None:
        self._limit = Limit(Path(os.environ["BENCH_PACKAGE"]))

    @bentoml.api
    async def predict(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Convert, run, answer P(positive) of each row."""
        scores = self._limit.scores(self._limit.convert(records))
        return {"predictions": scores[:, 1].tolist()}
