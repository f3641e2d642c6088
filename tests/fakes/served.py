"""A small model as it is served: contracts of each task, a session, and events of an HTTP API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tidegate.contract import Column, Contract, Target
from tidegate.scoring.session import Features, Matrix, as_matrix
from tidegate.serving.predictor import Predictor
from tidegate.serving.served import Served

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = NOON.timestamp()
KEY = "a key that only these tests know"
SERVED = Served("ferry-delay", 3, "r-3")
CONTRACT = Contract(
    model="ferry-delay",
    task="binary",
    columns=(
        Column("wind", "float", minimum=0.0, maximum=60.0, nullable=True),
        Column("gusts", "float"),
        Column("harbour", "category", categories=("north", "south"), unknown="map"),
        Column("boats", "integer", minimum=0),
        Column("holiday", "boolean"),
    ),
    target=Target("late", ("on time", "late")),
    max_rows=50,
    max_bytes=8_000,
)
ROW = {"wind": 12.5, "gusts": 1.0, "harbour": "south", "boats": 2, "holiday": False}
MULTICLASS = replace(CONTRACT, task="multiclass", target=Target("why", ("tide", "fog", "crew")))
REGRESSION = replace(CONTRACT, task="regression", target=Target("minutes", minimum=-60.0))


class FewByMatrix:
    """Answers few rows as `run` answers their matrix."""

    columns = len(CONTRACT.columns)
    run: Callable[[Matrix], Matrix]

    def run_few(self, rows: bytes) -> tuple[float, ...]:
        return tuple(self.run(as_rows(rows, self.columns)).ravel().tolist())


class FakeSession(FewByMatrix):
    """Scores by a function of the matrix; without one, by the row's wind."""

    def __init__(
        self, outputs: int, score: Callable[[Matrix], Matrix] | None = None, columns: int = 5
    ) -> None:
        self.outputs, self.score, self.columns = outputs, score, columns

    def run(self, features: Matrix) -> Matrix:
        if self.score is not None:
            return self.score(features)
        wind = np.nan_to_num(features[:, 0]) / 60
        if self.outputs == 1:
            return wind[:, None].astype(np.float32)
        rest = np.repeat(((1 - wind) / (self.outputs - 1))[:, None], self.outputs - 1, axis=1)
        return np.concatenate([rest, wind[:, None]], axis=1).astype(np.float32)


def as_rows(features: Features, columns: int = len(CONTRACT.columns)) -> Matrix:
    """Return what a model is asked as a matrix of so many columns."""
    return as_matrix(features, len(features) // (4 * columns))


def predictor(
    contract: Contract = CONTRACT, score: Callable[[Matrix], Matrix] | None = None
) -> Predictor:
    session = FakeSession(contract.outputs, score, len(contract.columns))
    return Predictor(contract, session, served=SERVED, receipt_key=KEY)


def records(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"records": list(rows)}).encode()


def event(body: str = "", *, method: str = "POST", model: str = "ferry-delay") -> dict[str, Any]:
    path = f"/models/{model}" + ("/predict" if method == "POST" else "")
    return {
        "version": "2.0",
        "rawPath": path,
        "requestContext": {"http": {"method": method, "path": path}, "requestId": "api-1"},
        "body": body,
        "isBase64Encoded": False,
    }


class FakeContext:
    """What a handler is told about its invocation."""

    function_name = "endpoint"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:endpoint"

    def __init__(self, request_id: str = "11111111-2222-3333-4444-555555555555") -> None:
        self.aws_request_id = request_id
