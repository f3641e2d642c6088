"""What of tensors of the usual form needs no look at each element."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.contract import Column
from tidegate.encoding.coders import coder
from tidegate.serving.protocols.tensors import HALF, RANGES, TEXT

MEMBERS = ("name", "datatype", "shape", "data")


def are_alike(shapes: Sequence[list[int]], rows: int) -> bool:
    """Tell whether all shapes are [rows], or all [rows, 1]."""
    first = shapes[0]
    return first in ([rows], [rows, 1]) and shapes.count(first) == len(shapes)


def has_fast_path(kind: str, column: Column) -> bool:
    """Tell whether a datatype's JSON values can be a column's: 3.0 as FP64 is no integer yet.

    FP16 has a range of its own, and nobody sends it in JSON.
    """
    return kind in RANGES if column.type == "integer" else kind != HALF


def is_proven(kind: str, column: Column) -> bool:
    """Tell whether a value that the column takes is one that the datatype allows."""
    if kind == TEXT:
        return not column.nullable  # "" may be null
    if kind not in RANGES or column.type != "integer":
        return kind not in RANGES
    low, high = RANGES[kind]
    domain = coder(column).domain
    return low <= domain.low and domain.high <= high
