"""Slices of the holdout: how good the answers are for parts of the rows, the worst first.

A category or boolean column gives one slice per value, a number three of about equal size, each
column one for nulls. Columns with personal data are left out: a card is read by many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


def slice_answers(answers: Answers, contract: Contract, *, metrics: tuple[str, ...]) -> Slices:
    """Return the metrics named, of every slice of the answers; equal rows give equal slices."""
    candidates = [
        (number, parts)
        for number in _columns(contract)
        if len(parts := tuple(_parts(answers.matrix[:, number], contract.columns[number]))) > 1
    ]
    sliced = candidates[:MAX_COLUMNS]
    found: list[Slice] = []
    too_small = beyond = 0
    for number, parts in sliced:
        # Sorting is stable, so parts of equal size stay in the order of the contract.
        large = sorted((p for p in parts if p[1].sum() >= MIN_SLICE), key=lambda p: -p[1].sum())
        too_small += len(parts) - len(large)
        beyond += len(large[MAX_SLICES:])
        name = contract.columns[number].name
        for value, mask in large[:MAX_SLICES]:
            measured = _measure(answers, mask, contract, metrics)
            found.append(Slice(name, value, int(mask.sum()), measured))
    shown = {contract.columns[number].name for number, _ in sliced}
    left_out = tuple(name for name in contract.column_names if name not in shown)
    ordered = sorted(found, key=lambda one: _badness(one, metrics[0]))
    return Slices(metrics, tuple(ordered), left_out, too_small, beyond)


def _columns(contract: Contract) -> list[int]:
    numbers = [j for j, column in enumerate(contract.columns) if not column.pii]
    return sorted(numbers, key=lambda j: ORDER[contract.columns[j].type])


def _parts(values: Array, column: Column) -> Iterator[tuple[str, Mask]]:
    """Yield the parts of a column that hold rows: words and which rows."""
    null = np.isnan(values)
    if column.type == "category":
        named = [(level, values == code) for code, level in enumerate(column.levels)]
    elif column.type == "boolean":
        named = [("true", values == 1), ("false", values == 0)]
    else:
        named = _thirds(values, null)
    yield from ((words, mask) for words, mask in named if mask.any())
    if null.any():
        yield MISSING, null


def _thirds(values: Array, null: Mask) -> list[tuple[str, Mask]]:
    if null.all():
        return []
    # Of this method, cuts are values that occur: no arithmetic, so no rounding.
    cuts = np.quantile(values[~null], [1 / 3, 2 / 3], method="inverted_cdf")
    low, high = (float(cut) for cut in cuts)
    named = [(f"up to {low:g}", values <= low)]
    if high > low:
        named.append((f"above {low:g}, up to {high:g}", (values > low) & (values <= high)))
    return [*named, (f"above {high:g}", values > high)]


def _measure(
    answers: Answers, mask: Mask, contract: Contract, metrics: tuple[str, ...]
) -> dict[str, float]:
    truth, scores = answers.truth[mask], answers.scores[mask]
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
