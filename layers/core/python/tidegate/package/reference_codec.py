"""reference.json: what training saw, as canonical JSON; every number is checked on the way in."""

from __future__ import annotations

import math
from itertools import pairwise

from tidegate.contract import Contract
from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import PackageError
from tidegate.package.manifest import REFERENCE
from tidegate.windows.values import ColumnReference, Reference


def reference_to_json(reference: Reference) -> bytes:
    """Return canonical bytes; raise `PackageError` when a number is not finite."""
    try:
        return canonical_json(reference)
    except ValueError as error:
        raise PackageError(f"{REFERENCE}: {error}") from None


def reference_from_json(data: bytes) -> Reference:
    """Read the bytes back; raise `PackageError` naming the field that is wrong."""
    try:
        reference = decode(Reference, parse_json(data))
    except ValueError as error:
        raise PackageError(f"{REFERENCE}: {error}") from None
    for name, column in reference.columns.items():
        _check_column(f"columns.{name}", column)
    _check_column("score", reference.score)
    if any(count < 0 for count in reference.labels.values()) or reference.block_rows < 0:
        raise PackageError(f"{REFERENCE}: counts can't be negative")
    return reference


def check_reference(reference: Reference, contract: Contract) -> None:
    """Raise `PackageError` unless the reference covers exactly the contract's columns."""
    differing = set(reference.columns) ^ set(contract.column_names)
    if differing:
        raise PackageError(f"{REFERENCE}: columns differ from the contract's: {sorted(differing)}")
    for column in contract.columns:
        if reference.columns[column.name].bins.levels != column.levels:
            raise PackageError(f"{REFERENCE}: columns.{column.name}: levels are not the contract's")


def _check_column(at: str, column: ColumnReference) -> None:
    edges, counts = column.bins.edges, column.counts
    if any(low >= high for low, high in pairwise(edges)):
        raise PackageError(f"{REFERENCE}: {at}.bins.edges must increase")
    if len(counts.cells) != column.bins.cells:
        expected = f"{column.bins.cells} cells are expected, not {len(counts.cells)}"
        raise PackageError(f"{REFERENCE}: {at}.counts: {expected}")
    if counts.missing < 0 or any(count < 0 for count in counts.cells):
        raise PackageError(f"{REFERENCE}: {at}.counts: counts can't be negative")
    if column.centers and len(column.centers) != column.bins.cells:
        raise PackageError(f"{REFERENCE}: {at}.centers: one per cell is expected")
    if not (math.isfinite(column.scale) and column.scale >= 0):
        raise PackageError(f"{REFERENCE}: {at}.scale: a number of at least 0 is expected")
