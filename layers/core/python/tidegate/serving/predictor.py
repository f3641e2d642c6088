"""Predict: body -> matrix -> scores -> answer with a receipt. Pure but for the session's run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from tidegate.contract import Contract
from tidegate.encoding.encoder import Encoder
from tidegate.errors import InvalidRowsError, PackageError, PayloadTooLargeError, Problem
from tidegate.scoring.predictions import finite, labels, tracked
from tidegate.scoring.session import Matrix, Session
from tidegate.serving.answers import Answer, refusal
from tidegate.serving.receipts import Receipt, sign
from tidegate.serving.rows import read_rows
from tidegate.serving.served import Served

MAX_ANSWER = 5_900_000  # bytes as Lambda counts them; it takes 6 MB


@dataclass(frozen=True)
class Outcome:
    """An answer, and what of it is counted: nothing of a refusal but the status.

    `features` (rows, columns) is what the model was asked; `scores` (rows,) and `labels` are what
    was answered. Both are empty when some of the rows, `invalid` of them, had no finite answer.
    """

    answer: Answer
    features: Matrix | None = None
    scores: npt.NDArray[np.float64] | None = None
    labels: tuple[str, ...] = ()
    invalid: int = 0


class Predictor:
    """Answers predict requests of one served version."""

    def __init__(
        self, contract: Contract, session: Session, *, served: Served, receipt_key: str
    ) -> None:
        """Compile the contract."""
        self._contract, self._session = contract, session
        self._served, self._key = served, receipt_key
        self._encoder = Encoder(contract)

    @property
    def max_bytes(self) -> int:
        """How long a body may be."""
        return self._contract.max_bytes

    def predict(self, body: bytes, *, id: str, at: datetime) -> Outcome:
        """Answer a body; `id` names the receipt.

        Raises `RequestError` (or a kind of it) when the body is refused, `PackageError` when the
        model's run fails.
        """
        features = read_rows(body, self._encoder)
        scores = self._session.run(features)
        if scores.shape != (len(features), self._contract.outputs):
            raise PackageError(f"the model's answer has shape {scores.shape}")
        sound = finite(scores)
        if not sound.all():
            return _unanswerable(features, np.flatnonzero(~sound))
        named = labels(self._contract, scores)
        shown = _shown(self._contract, scores)
        return Outcome(
            self._answer(named, shown, id=id, at=at),
            features,
            tracked(self._contract, scores),
            named,
        )

    def _answer(
        self, named: tuple[str, ...], shown: list[list[float]], *, id: str, at: datetime
    ) -> Answer:
        served = self._served
        kept = tuple(map(tuple, shown))
        receipt = Receipt(id, served.model, served.version, served.release, at, kept)
        content = {
            "model": served.model,
            "version": served.version,
            "release": served.release,
            "predictions": _predictions(self._contract, named, shown),
            "receipt": sign(receipt, key=self._key),
        }
        body = orjson.dumps(content)
        # Lambda's answer is JSON that holds this JSON as a text, in which quotes are escaped.
        if len(body) + body.count(b'"') > MAX_ANSWER:
            raise PayloadTooLargeError(f"the answer to {len(shown)} rows is too long; send fewer")
        return Answer(200, body)


def _shown(contract: Contract, scores: Matrix) -> list[list[float]]:
    """Return scores as they are told: six decimals of a probability, a value's shortest float32."""
    if contract.task == "regression":
        return [[float(str(value))] for value in scores[:, 0]]
    told = scores[:, 1:] if contract.task == "binary" else scores
    rounded: list[list[float]] = np.round(told.astype(np.float64), 6).tolist()
    return rounded


def _predictions(
    contract: Contract, named: tuple[str, ...], shown: list[list[float]]
) -> list[dict[str, Any]]:
    if contract.task == "regression":
        return [{"value": row[0]} for row in shown]
    if contract.task == "binary":
        return [{"label": n, "score": row[0]} for n, row in zip(named, shown, strict=True)]
    classes = contract.target.classes
    return [
        {"label": n, "scores": dict(zip(classes, row, strict=True))}
        for n, row in zip(named, shown, strict=True)
    ]


def _unanswerable(features: Matrix, rows: npt.NDArray[np.intp]) -> Outcome:
    rule = "the model has no finite answer to this row"
    problems = [Problem(int(row), "", rule) for row in rows[:20]]
    error = InvalidRowsError(problems, len(rows))
    return Outcome(refusal(error), features=features, invalid=len(rows))
