"""Long arrays of JSON, read from the text right into doubles: no Python object per number.

What is in a buffer are numbers, whole ones where the contract has an integer; bounds and categories
stay with the coders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from simdjson import Array, Object, Parser

from tidegate.contract import Column
from tidegate.encoding.occurrences import occurs

KEPT = 2**18  # bytes of the longest body whose parser is kept, with the memory that it took
# It is otherwise: no JSON or too deep, no such key, no array, or none of these values.
_OTHERWISE = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)


class Columns(NamedTuple):
    """Equally long columns: buffers of doubles, or lists of JSON values.

    No list of a float column holds a boolean.
    """

    rows: int
    values: list[Any]


class JsonArrays:
    """Reads bodies of one contract in which each column is an array."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Choose how each column is taken."""
        self._names = [column.name for column in columns]
        self._takes = [_TAKES.get(column.type, _as_list) for column in columns]
        self._parsers: list[Parser] = []  # that are free: each reads one body at a time

    def columns(self, body: bytes) -> Columns | None:
        """Return what `{"columns": {...}}` holds, None when it is otherwise."""
        return self.read(body, self._take_columns, arrays=len(self._names))

    def read(
        self, body: bytes, take: Callable[[Object], Columns | None], *, arrays: int
    ) -> Columns | None:
        """Return what `take` makes of a body's outermost object, None when it is otherwise.

        `arrays` is how many there are in it, none of them in a column's. `take` may raise whatever
        a look at simdjson's objects and arrays raises, but keeps none of them.
        """
        # An array among a column's values would lose its brackets. simdjson passes over a byte
        # order mark, which is no JSON.
        if body[:1] != b"{" or not occurs(body, b"[", arrays):
            return None
        parser = self._parsers.pop() if self._parsers else Parser()
        try:
            found = take(parser.parse(body))  # type: ignore[arg-type]  # it begins with a brace
        except _OTHERWISE:
            return None
        if len(body) <= KEPT:
            self._parsers.append(parser)
        return found

    def values(self, arrays: Sequence[Array], *, lists: Sequence[int] = ()) -> Columns:
        """Take equally long arrays in the contract's order, at the places `lists` as JSON values.

        Raises `TypeError` or `ValueError` where a column has no such values.
        """
        takes = self._takes
        if lists:
            takes = [_as_list if j in lists else take for j, take in enumerate(takes)]
        found = [take(array) for take, array in zip(takes, arrays, strict=True)]
        return Columns(len(arrays[0]), found)

    def _take_columns(self, payload: Object) -> Columns | None:
        columns: Any = payload["columns"]
        if len(payload) != 1 or len(columns) != len(self._names):
            return None
        arrays = [columns[name] for name in self._names]
        if len(set(map(len, arrays))) != 1:
            return None
        return self.values(arrays)


def _as_list(array: Array) -> Any:  # noqa: ANN401 - JSON values
    return array.as_list()


def _floats(array: Array) -> Any:  # noqa: ANN401 - a buffer or a list
    try:
        return array.as_buffer(of_type="d")
    except TypeError:  # perhaps for a null
        values = array.as_list()
        if bool in set(map(type, values)):
            raise
        return values


def _integers(array: Array) -> Any:  # noqa: ANN401 - a buffer or a list
    try:
        array.as_buffer(of_type="i")  # which only says whether they are
    except TypeError:
        return array.as_list()
    return array.as_buffer(of_type="d")


_TAKES: dict[str, Callable[[Array], Any]] = {"float": _floats, "integer": _integers}
