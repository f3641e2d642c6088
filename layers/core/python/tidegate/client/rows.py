"""Rows as a request takes them: records or lists by column, cut into parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Records = Sequence[Mapping[str, object]]
Columns = Mapping[str, Sequence[object]]
EXPECTED = "expected a frame, a list of records or lists by column"


def count_rows(rows: object) -> int:
    """Return how many rows there are.

    Raises `TypeError` on what is neither records nor columns, `ValueError` when columns differ in
    length.
    """
    if not isinstance(rows, Mapping):
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            raise TypeError(f"{EXPECTED}, not {type(rows).__name__}")
        return len(rows)
    for values in rows.values():
        if not hasattr(values, "__len__"):
            raise TypeError(f"{EXPECTED}, not {type(rows).__name__} of {type(values).__name__}")
    lengths = {name: len(values) for name, values in rows.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
    return max(lengths.values(), default=0)


def part_of(rows: Records | Columns, start: int, stop: int) -> dict[str, object]:
    """Return the body of a request about rows from `start` to before `stop`.

    >>> part_of({"wind": [1, 2, 3]}, 1, 3)
    {'columns': {'wind': [2, 3]}}
    """
    if isinstance(rows, Mapping):
        return {"columns": {name: list(values[start:stop]) for name, values in rows.items()}}
    return {"records": list(rows[start:stop])}
