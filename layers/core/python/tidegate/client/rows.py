"""Rows as a request takes them: records or lists by column, cut into parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Records = Sequence[Mapping[str, object]]
Columns = Mapping[str, Sequence[object]]


def count_rows(rows: Records | Columns) -> int:
    """Return how many rows there are; raise `ValueError` when columns differ in length."""
    if not isinstance(rows, Mapping):
        return len(rows)
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
