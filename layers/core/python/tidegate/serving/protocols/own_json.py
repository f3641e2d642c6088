"""Tidegate's own JSON: `{"records": [...]}` or `{"columns": {...}}` in, one object per row out.

orjson reads for speed, the standard library when in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tidegate.contract import Contract
from tidegate.encoding.encoder import Encoder
from tidegate.errors import RequestError
from tidegate.scoring.session import Matrix
from tidegate.serving.answers import Answer
from tidegate.serving.protocols.port import Answered, Question
from tidegate.serving.requests import parse_strictly


class JsonProtocol:
    """`PredictProtocol` of one contract."""

    def __init__(self, contract: Contract, encoder: Encoder) -> None:
        """Read rows by `encoder`, write predictions by `contract`."""
        self._contract, self._encoder = contract, encoder

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:  # noqa: ARG002 - the port's
        """Read a body; see the port for what it raises."""
        return Question(_read_rows(body, self._encoder), self._write)

    def _write(self, answered: Answered) -> Answer:
        served = answered.served
        content = {
            "model": served.model,
            "version": served.version,
            "release": served.release,
            "predictions": _predictions(self._contract, answered),
            "receipt": answered.receipt,
        }
        return Answer(200, orjson.dumps(content))


def _predictions(contract: Contract, answered: Answered) -> list[dict[str, Any]]:
    shown, named = answered.shown.tolist(), answered.labels
    if contract.task == "regression":
        return [{"value": row[0]} for row in shown]
    if contract.task == "binary":
        return [{"label": n, "score": row[0]} for n, row in zip(named, shown, strict=True)]
    classes = contract.target.classes
    return [
        {"label": n, "scores": dict(zip(classes, row, strict=True))}
        for n, row in zip(named, shown, strict=True)
    ]


def _read_rows(body: bytes, encoder: Encoder) -> Matrix:
    """Return the matrix of `{"records": [...]}` or `{"columns": {...}}`.

    Raises `RequestError` when the body is neither, else what the encoder raises.
    """
    doubt = ""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Python's reader also takes NaN and numbers beyond float64; the encoder then names the
        # row. If it has nothing to say, the body is refused as a whole.
        payload, doubt = parse_strictly(body), error.msg
    else:
        _refuse_repeated_keys(body, payload)
    matrix = _encode(payload, encoder)
    if doubt:
        raise RequestError(f"the body is not JSON: {doubt}")
    return matrix


def _encode(payload: object, encoder: Encoder) -> Matrix:
    if not isinstance(payload, dict) or len(payload) != 1:
        raise RequestError('the body must be {"records": [...]} or {"columns": {...}}')
    if "records" in payload:
        return encoder.records(payload["records"])
    if "columns" in payload:
        return encoder.columns(payload["columns"])
    raise RequestError('the body must be {"records": [...]} or {"columns": {...}}')


def _refuse_repeated_keys(body: bytes, payload: object) -> None:
    """Let the slow reader look when colons and keys do not match in number.

    There are as many colons as keys, and more only in texts or after keys that were overwritten.
    """
    if body.count(b":") != _count_keys(payload):
        parse_strictly(body)


def _count_keys(payload: object) -> int:
    if not isinstance(payload, dict):
        return 0
    records = payload.get("records")
    rows = records if isinstance(records, list) else [payload.get("columns")]
    return len(payload) + sum(len(row) for row in rows if isinstance(row, dict))
