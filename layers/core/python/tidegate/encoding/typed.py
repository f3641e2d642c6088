"""Bodies read right into the types that a contract has: no dict, no look at a key or at a number.

A third less time than to read JSON first and to look at it then. Types, bounds, missing and unknown
columns are msgspec's; categories stay with the coders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from tidegate.contract import Column
from tidegate.encoding.coders import coder
from tidegate.encoding.fast import EXACT

Rows = Sequence[tuple[Any, ...]]


class TypedBodies:
    """Reads the bodies of one contract: rows of JSON values, None where a type isn't right.

    Numbers lie within their bounds; whole numbers of a float column come as floats. Of a key that
    stands twice in an object the last one counts.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Compile the types; raise `ValueError` for a name that JSON has to escape."""
        self._names = {f"c{i}": column.name for i, column in enumerate(columns)}
        types = [type_of(column, bounded=True) for column in columns]
        row, lists = self._struct(types), self._struct([list[one] for one in types])  # type: ignore[valid-type]
        self._records = _decoder("records", list[row])  # type: ignore[valid-type]
        self._columns = _decoder("columns", lists)

    def records(self, body: bytes) -> tuple[Rows, int] | None:
        """Return the rows of `{"records": [...]}`, and in how many objects they were."""
        try:
            rows = list(map(astuple, self._records(body).records))
        except (msgspec.MsgspecError, ValueError):  # the latter for what is no UTF-8
            return None
        return rows, len(rows)

    def columns(self, body: bytes) -> tuple[Rows, int] | None:
        """Return the rows of `{"columns": {...}}`, which are in one object."""
        try:
            return list(zip(*astuple(self._columns(body).columns), strict=True)), 1
        except (msgspec.MsgspecError, ValueError):  # the latter also for columns of other lengths
            return None

    def _struct(self, types: Sequence[Any]) -> Any:  # noqa: ANN401 - a type
        fields = list(zip(self._names, types, strict=True))
        return msgspec.defstruct(
            "Row", fields, rename=self._names, forbid_unknown_fields=True, gc=False
        )


def _decoder(key: str, kind: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 - a type
    body = msgspec.defstruct("Body", [(key, kind)], forbid_unknown_fields=True)
    return msgspec.json.Decoder(body).decode


def type_of(column: Column, *, bounded: bool) -> Any:  # noqa: ANN401 - a type
    """Return the type of a column's values in JSON: 3.0 is no `int` to msgspec."""
    domain = coder(column).domain
    low, high = max(domain.low, -EXACT), min(domain.high, EXACT)
    found: Any = {"boolean": bool, "category": str, "float": float}.get(column.type, int)
    if bounded and found is float:
        found = Annotated[float, Meta(ge=low, le=high)]
    elif bounded and found is int:
        found = Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))]
    return found | None if column.nullable else found
