"""From a body to the model's matrix: orjson for speed, the standard library for doubts."""

from __future__ import annotations

import orjson

from tidegate.encoding.encoder import Encoder
from tidegate.errors import RequestError
from tidegate.scoring.session import Matrix
from tidegate.serving.requests import parse_strictly


def read_rows(body: bytes, encoder: Encoder) -> Matrix:
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
