"""Tidegate's own JSON: `{"records": [...]}` or `{"columns": {...}}` in, one object per row out.

msgspec reads many records, simdjson long columns, orjson few rows; the standard library when in
doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from tidegate.contract import Contract
from tidegate.encoding.encoder import SMALL, Encoder
from tidegate.encoding.occurrences import occurs
from tidegate.errors import RequestError
from tidegate.frozen import made
from tidegate.scoring.reading import Read
from tidegate.scoring.session import Features, Matrix, Packed
from tidegate.serving.answers import JSON, Answer, refusal
from tidegate.serving.content_coding import JSON_TYPE
from tidegate.serving.protocols.lengths import LEAST, LONG, dense_from
from tidegate.serving.protocols.port import Question
from tidegate.serving.protocols.row_writer import RowWriter
from tidegate.serving.requests import parse_strictly
from tidegate.serving.served import Served

if TYPE_CHECKING:  # imported by the first long body
    from tidegate.encoding.json_arrays import JsonArrays
    from tidegate.encoding.typed import TypedBodies

_BEGINNING = 64  # bytes of a body in which its key stands


class JsonProtocol:
    """`PredictProtocol` of one contract."""

    types: ClassVar[tuple[str, ...]] = (JSON_TYPE,)

    def __init__(self, contract: Contract, encoder: Encoder, served: Served) -> None:
        """Read rows by `encoder`, write predictions by `contract` as those of what is served."""
        self._contract, self._encoder = contract, encoder
        self._columns = len(contract.columns)
        self._dense = dense_from(self._columns)
        self._keys = [1 + rows * self._columns for rows in range(SMALL)]  # of few records
        self._rows = RowWriter(contract)
        version = {"model": served.model, "version": served.version, "release": served.release}
        self._head = orjson.dumps(version)[:-1] + b',"predictions":['

    def read(self, body: bytes, headers: Mapping[str, str]) -> Question:  # noqa: ARG002 - the port's
        """Read a body; see the port for what it raises."""
        if len(body) >= LEAST and (features := self._many_rows(body)) is not None:
            return Question(features, self._write)
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise self._refused(body, error) from None
        features = self._few_rows(payload, body) or self._all_rows(payload, body)
        return made(Question, (features, self._write, refusal))

    def _many_rows(self, body: bytes) -> Features | None:
        """Return rows that are plainly right, None when there may be more to say."""
        key = body[:_BEGINNING].split(b'"', 2)[1:2]
        if key == [b"columns"] and len(body) >= self._dense:
            found = self._arrays.columns(body)
            return self._encoder.plainly(found.values, found.rows, typed=True) if found else None
        typed = self._typed if len(body) >= LONG else None
        if typed is None or key not in ([b"records"], [b"columns"]):
            return None
        read = typed.records(body) if key == [b"records"] else typed.columns(body)
        if read is None:
            return None
        rows, objects = read
        features = self._encoder.coded_rows(rows)
        is_sound = features is not None and occurs(body, b":", 1 + objects * self._columns)
        return features if is_sound else None

    @cached_property
    def _arrays(self) -> JsonArrays:
        # Imported for who sends long columns: 5 ms that every other cold start is spared.
        from tidegate.encoding.json_arrays import JsonArrays

        return JsonArrays(self._contract.columns)

    @cached_property
    def _typed(self) -> TypedBodies | None:
        # Imported for who sends long bodies: 12 ms that every other cold start is spared.
        from tidegate.encoding.typed import TypedBodies

        try:
            return TypedBodies(self._contract.columns)
        except ValueError:  # a name of a column that has no plain form
            return None

    def _few_rows(self, payload: Any, body: bytes) -> Packed | None:  # noqa: ANN401 - any JSON
        """Return few rows that are plainly right, None when there may be more to say."""
        if type(payload) is not dict or len(payload) != 1:
            return None
        packed, objects = None, 1
        if "records" in payload:
            packed = self._encoder.few_records(records := payload["records"])
            objects = len(records) if packed else 0
        elif "columns" in payload:
            packed = self._encoder.few_columns(payload["columns"])
        return packed if packed and occurs(body, b":", self._keys[objects]) else None

    def _all_rows(self, payload: Any, body: bytes) -> Matrix:  # noqa: ANN401 - any JSON
        """Return the matrix of `{"records": [...]}` or `{"columns": {...}}`.

        Raises `RequestError` when the payload is neither, else what the encoder raises.
        """
        try:
            matrix = _encode(payload, self._encoder)
        except RequestError:
            _refuse_repeated_keys(body, keys=_count_keys(payload))  # these are told first
            raise
        objects = len(matrix) if "records" in payload else 1
        _refuse_repeated_keys(body, keys=1 + objects * self._columns)
        return matrix

    def _refused(self, body: bytes, error: orjson.JSONDecodeError) -> RequestError:
        """Return why a body that orjson doesn't read is refused, or raise it.

        Python's reader also takes NaN and numbers beyond float64; the encoder then names the row.
        If it has nothing to say, the body is refused as a whole.
        """
        _encode(parse_strictly(body), self._encoder)
        return RequestError(f"the body is not JSON: {error.msg}")

    def _write(self, found: Read, text: bytes, receipt: bytes) -> Answer:
        rows = self._rows.write(found.places, text)
        body = self._head + rows + b'],"receipt":"' + receipt + b'"}'
        return made(Answer, (200, body, JSON, False))


def _encode(payload: object, encoder: Encoder) -> Matrix:
    if not isinstance(payload, dict) or len(payload) != 1:
        raise RequestError('the body must be {"records": [...]} or {"columns": {...}}')
    if "records" in payload:
        return encoder.records(payload["records"])
    if "columns" in payload:
        return encoder.columns(payload["columns"])
    raise RequestError('the body must be {"records": [...]} or {"columns": {...}}')


def _refuse_repeated_keys(body: bytes, *, keys: int) -> None:
    """Let the slow reader look when colons and keys do not match in number.

    There are as many colons as keys, and more only in texts or after keys that were overwritten.
    """
    if not occurs(body, b":", keys):
        parse_strictly(body)


def _count_keys(payload: object) -> int:
    if not isinstance(payload, dict):
        return 0
    records = payload.get("records")
    rows = records if isinstance(records, list) else [payload.get("columns")]
    return len(payload) + sum(len(row) for row in rows if isinstance(row, dict))
