"""Long bodies of records, read right into the types that a contract has: no dict, no look at a key.

A third less time than to read JSON first and to look at it then, from some dozen rows on. Types,
missing and unknown columns are msgspec's; bounds and categories stay with the coders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.contract import Column

_TYPES: dict[str, Any] = {
    "boolean": bool,
    "category": str,
    "float": float,
    "integer": int | float,  # so that 3.0 stays one, and is refused by who can say why
}


class TypedRecords:
    """Reads `{"records": [...]}` of one contract."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Compile the types; raise `ValueError` for a name that JSON has to escape."""
        fields = [(f"c{i}", _type_of(column)) for i, column in enumerate(columns)]
        names = {f"c{i}": column.name for i, column in enumerate(columns)}
        row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)
        body = msgspec.defstruct("Body", [("records", list[row])], forbid_unknown_fields=True)  # type: ignore[valid-type]
        self._decode = msgspec.json.Decoder(body).decode

    def columns(self, body: bytes) -> Sequence[tuple[Any, ...]] | None:
        """Return what columns of JSON values there are, None when a type isn't right, or no row.

        Whole numbers of a float column come as floats. Of a key that stands twice in a record the
        last one counts.
        """
        try:
            rows: Any = self._decode(body)
        except (msgspec.MsgspecError, ValueError):  # the latter for what is no UTF-8
            return None
        return list(zip(*map(msgspec.structs.astuple, rows.records), strict=True)) or None


def _type_of(column: Column) -> Any:  # noqa: ANN401 - a type
    found = _TYPES[column.type]
    return found | None if column.nullable else found
