"""Bodies read right into what a contract's columns are coded as: no dict, no look at any value.

Half the time of reading JSON first and looking at it then. Types, bounds, missing and unknown
columns are msgspec's, and so are categories, unless a column has very many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from tidegate.contract import Column
from tidegate.encoding.coders import CategoryCoder, coder
from tidegate.encoding.fast import EXACT

Rows = Sequence[tuple[Any, ...]]


class TypedBodies:
    """Reads the bodies of one contract: rows of codes, None where something isn't right.

    A row is numbers and None for null, with texts where a column has more categories than are
    listed. Of a key that stands twice in an object the last one counts.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Compile the types; raise `ValueError` for a name that JSON has to escape."""
        self._names = {f"c{i}": column.name for i, column in enumerate(columns)}
        types = [_coded(column) for column in columns]
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


def type_of(column: Column) -> Any:  # noqa: ANN401 - a type
    """Return the type of a column's values in JSON: 3.0 is no `int` to msgspec."""
    found: Any = {"boolean": bool, "category": str, "float": float}.get(column.type, int)
    return found | None if column.nullable else found


def _coded(column: Column) -> Any:  # noqa: ANN401 - a type
    """Return the type that msgspec makes a column's codes with."""
    code = coder(column)
    low, high = max(code.domain.low, -EXACT), min(code.domain.high, EXACT)
    if column.type == "float":
        found: Any = Annotated[float, Meta(ge=low, le=high)]
    elif column.type == "integer":
        found = Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))]
    elif isinstance(code, CategoryCoder) and code.is_listed:
        found = _codes(column, code)
    else:
        return type_of(column)
    return found | None if column.nullable else found


class _Code(float, Enum):
    """A category's code, made of the category's text."""

    def __new__(cls, text: str, code: float) -> _Code:
        """Take the text as the value, by which a member is found."""
        found = float.__new__(cls, code)
        found._value_ = text
        return found


class _CodeOrUnknown(_Code):
    @classmethod
    def _missing_(cls, value: object) -> _CodeOrUnknown | None:
        return cls[_UNKNOWN] if isinstance(value, str) else None


_UNKNOWN = "unknown"


def _codes(column: Column, code: CategoryCoder) -> Any:  # noqa: ANN401 - a type
    known, mapped = cast("Any", _Code), cast("Any", _CodeOrUnknown)
    members = [(f"c{i}", (text, code.codes[text])) for i, text in enumerate(column.categories)]
    if code.unknown is None:
        return known("Codes", members)
    # Its text is one that no category is; a client may send it like any other that is none.
    text = max(column.categories, key=len) + "?"
    return mapped("Codes", [*members, (_UNKNOWN, (text, code.unknown))])
