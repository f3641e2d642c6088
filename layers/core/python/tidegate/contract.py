"""The contract: the only list of a model's columns, and what is promised of each.

`model.toml` declares it, the package carries it as `contract.json`; request validation, drift bins
and the training data gate are compiled from it.

A model sees one float32 matrix `features` of shape (rows, features): numbers as they are, booleans
as 0/1, categories as their code. A column that may be null has the code `len(categories)` for null
(numbers: NaN); one that maps unknown values has the next free code for those.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from tidegate.frozen import frozen

ColumnType = Literal["float", "integer", "boolean", "category"]
UnknownPolicy = Literal["reject", "map"]
Task = Literal["binary", "multiclass", "regression"]

MISSING = "(missing)"  # how a training frame names a null category
UNKNOWN = "(unknown)"  # how a training frame names a category that the contract does not list

FEATURES_INPUT = "features"  # the one input of a canonical ONNX model
SCORES_OUTPUT = "scores"  # its one output
FLOAT32_MAX = 3.4028234663852886e38  # the largest number that a model can see
# The largest one that becomes it: 3.4028235e38, as most programs write it, lies between the two.
FLOAT32_LIMIT = 3.4028235677973362e38
LONGEST_CLASS = 200  # characters of a class; the ledger reads no longer label back
INTEGER_MAX = 2**24  # the largest whole number up to which float32 misses none


@frozen
class Column:
    """One feature: its type and what values it may take."""

    name: str
    type: ColumnType
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    unknown: UnknownPolicy = "reject"
    nullable: bool = False
    pii: bool = False
    description: str = ""

    @property
    def levels(self) -> tuple[str, ...]:
        """Categories in code order, with the pseudo-categories that the policies add."""
        extra = ((MISSING,) if self.nullable else ()) + (
            (UNKNOWN,) if self.unknown == "map" else ()
        )
        return self.categories + extra if self.type == "category" else ()


@frozen
class Target:
    """What is predicted; `classes` in score order (binary: negative, positive)."""

    column: str
    classes: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@frozen
class Contract:
    """Columns, target, task and request limits of one model."""

    model: str
    task: Task
    columns: tuple[Column, ...]
    target: Target
    time_column: str = ""
    max_rows: int = 1000
    max_bytes: int = 1_000_000
    threshold: float = 0.5  # binary: a score at or above it is labelled positive

    @property
    def outputs(self) -> int:
        """Width of the `scores` output: classes, or 1 for regression."""
        return 1 if self.task == "regression" else len(self.target.classes)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Feature names in matrix order."""
        return tuple(column.name for column in self.columns)

    def to_json(self) -> bytes:
        """Return the canonical bytes: sorted keys, no spaces."""
        return json.dumps(
            asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @classmethod
    def from_json(cls, data: bytes) -> Contract:
        """Read canonical bytes back; raise `ValueError` or `TypeError` on other content."""
        raw: Mapping[str, Any] = json.loads(data)
        columns = tuple(
            Column(**{**c, "categories": tuple(c["categories"])}) for c in raw["columns"]
        )
        target = Target(**{**raw["target"], "classes": tuple(raw["target"]["classes"])})
        return cls(**{**raw, "columns": columns, "target": target})
