"""Slices of the holdout: how good the answers are for parts of the rows, the worst first.

A category or boolean column gives one slice per value, a number three of about equal size, each
column one for nulls. Columns with personal data are left out: a card is read by many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tidegate.contract import MISSING, Column, Contract
from tidegate.scoring.session import Matrix
from tidegate.stats.metrics import METRICS, evaluate
from tidegate.training.table import Array

MIN_SLICE = 30  # rows; a metric of fewer says little
MAX_COLUMNS = 8
MAX_SLICES = 8  # of one column, those with the most rows
ORDER = {"category": 0, "boolean": 1, "integer": 2, "float": 2}
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Slice:
    """One part of the holdout; a metric that its rows leave undefined is missing."""

    column: str
    value: str  # in words: a category, true or false, a range, or that it is null
    rows: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Slices:
    """Slices, the worst by the first of `metrics` first, and what was left out."""

    metrics: tuple[str, ...] = ()
    found: tuple[Slice, ...] = ()
    left_out: tuple[str, ...] = ()  # columns
    too_small: int = 0  # parts of sliced columns with fewer than MIN_SLICE rows
    beyond: int = 0  # parts of sliced columns beyond MAX_SLICES


@dataclass(frozen=True, eq=False)
class Answers:
    """Rows as answered: matrix (rows, features), truth (rows,), scores (rows, outputs)."""

    matrix: Matrix
    truth: Array
    scores: Matrix


@dataclass(frozen=True, eq=False)
class Cut:
    """A column cut into parts: their names, and the part of each row (rows,)."""

    names: tuple[str, ...]
    parts: npt.NDArray[np.int64]

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Rows of each part."""
        return np.bincount(self.parts, minlength=len(self.names))

    @property
    def present(self) -> npt.NDArray[np.int64]:
        """The parts that hold rows."""
        return np.flatnonzero(self.sizes)

    def largest_first(self, least: int) -> list[int]:
        """Return the parts of at least so many rows; equal ones in the order of the contract."""
        large = (int(part) for part in np.flatnonzero(self.sizes >= least))
        return sorted(large, key=lambda part: -self.sizes[part])


def slice_answers(answers: Answers, contract: Contract, *, metrics: tuple[str, ...]) -> Slices:
    """Return the metrics named, of every slice of the answers; equal rows give equal slices."""
    found: list[Slice] = []
    shown: list[str] = []
    too_small = beyond = 0
    for number in _columns(contract):
        column = contract.columns[number]
        cut = _cut(answers.matrix[:, number], column)
        if len(cut.present) < 2 or len(shown) == MAX_COLUMNS:
            continue
        large = cut.largest_first(MIN_SLICE)
        shown.append(column.name)
        too_small += len(cut.present) - len(large)
        beyond += len(large[MAX_SLICES:])
        for part in large[:MAX_SLICES]:
            rows = cut.parts == part
            measured = _measure(answers, rows, contract, metrics)
            found.append(Slice(column.name, cut.names[part], int(rows.sum()), measured))
    left_out = tuple(name for name in contract.column_names if name not in shown)
    found.sort(key=lambda one: _badness(one, metrics[0]))
    return Slices(metrics, tuple(found), left_out, too_small, beyond)


def _columns(contract: Contract) -> list[int]:
    numbers = [j for j, column in enumerate(contract.columns) if not column.pii]
    return sorted(numbers, key=lambda j: ORDER[contract.columns[j].type])


def _cut(values: Array, column: Column) -> Cut:
    if column.type == "category":
        return Cut(column.levels, values.astype(np.int64))
    null = np.isnan(values)
    if column.type == "boolean":
        return Cut(("false", "true", MISSING), np.where(null, 2, values == 1))
    if null.all():
        return Cut((MISSING,), np.zeros(len(values), dtype=np.int64))
    # Of this method, cuts are values that occur: no arithmetic, so no rounding.
    cuts = np.quantile(values[~null], [1 / 3, 2 / 3], method="inverted_cdf")
    low, high = (float(cut) for cut in cuts)
    if low == values[~null].max():  # two thirds or more are the greatest value
        return Cut((f"below {low:g}", f"{low:g}", MISSING), np.where(null, 2, values >= low))
    names = (f"up to {low:g}", f"above {low:g}, up to {high:g}", f"above {high:g}", MISSING)
    return Cut(names, np.where(null, 3, np.searchsorted(cuts, values)))


def _measure(
    answers: Answers, rows: Mask, contract: Contract, metrics: tuple[str, ...]
) -> dict[str, float]:
    truth, scores = answers.truth[rows], answers.scores[rows]
    threshold = contract.threshold
    found: dict[str, float] = {}
    for name in metrics:
        found |= evaluate(contract.task, truth, scores, threshold=threshold, only=name)
    return found


def _badness(one: Slice, metric: str) -> float:
    value = one.metrics.get(metric)
    if value is None:
        return float("inf")
    return value if METRICS[metric].higher_is_better else -value
