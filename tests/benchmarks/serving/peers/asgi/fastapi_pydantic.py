"""FastAPI as written by hand: pydantic models of a row and of the answer, validated by both."""

import json
import os
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, create_model

from tests.benchmarks.serving.limits import Limit

app = FastAPI()
_FOLDER = Path(os.environ["BENCH_PACKAGE"])
_LIMIT = Limit(_FOLDER)
_CONTRACT = json.loads((_FOLDER / "contract.json").read_bytes())


def _field(column: dict[str, Any]) -> Any:
    """Return what a row model says of a column of the contract."""
    if column["type"] == "category":
        closed = column["unknown"] == "reject"
        return (Literal[tuple(column["categories"])] if closed else str, ...)
    kind: Any = {"float": float, "integer": int, "boolean": bool}[column["type"]]
    if column["type"] == "boolean":
        return (kind, ...)
    bounds = Field(ge=column["minimum"], le=column["maximum"])
    return (kind | None if column["nullable"] else kind, bounds)


_FIELDS = {column["name"]: _field(column) for column in _CONTRACT["columns"]}
Row: Any = create_model("Row", __config__=ConfigDict(extra="forbid"), **_FIELDS)
Records: Any = create_model("Records", records=(list[Row], Field(min_length=1, max_length=10_000)))


class Prediction(BaseModel):
    """The answer to one row."""

    label: str
    score: float


class Answer(BaseModel):
    """The answer to a request."""

    model: str
    version: int
    predictions: list[Prediction]


@app.post("/predict")
async def predict(body: Records) -> Answer:
    """Answer validated records."""
    matrix = _LIMIT.convert([row.__dict__ for row in body.records])
    positive = _LIMIT.scores(matrix)[:, 1].tolist()
    classes = _CONTRACT["target"]["classes"]
    predictions = [Prediction(label=classes[score >= 0.5], score=score) for score in positive]
    return Answer(model=_CONTRACT["model"], version=1, predictions=predictions)
