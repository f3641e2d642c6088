"""Columns of a window against their reference: drift, and what looks like a bug in the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tidegate.contract import MISSING, UNKNOWN
from tidegate.monitoring.thresholds import TINY, thresholds
from tidegate.monitoring.values import ColumnFinding, Limits
from tidegate.stats.design_effect import effective_rows
from tidegate.windows.distance import column_distance
from tidegate.windows.values import ColumnReference, Counts, Reference, Window

SCORE = "(score)"  # can't be a feature's name
NULL_RATE_NOISE = 0.02
MOSTLY = 0.5
SPREAD = 0.95  # a column was never nearly constant if no cell held more than this share


def examine(
    window: Window, reference: Reference, *, limits: Limits, rng: np.random.Generator
) -> tuple[ColumnFinding, ...]:
    """Return findings of every column and the score; the score is last. Every number is finite.

    A column that the window does not have counts as all null.
    """
    columns = {**reference.columns, SCORE: reference.score}
    counts = {name: _counts(window, name, column) for name, column in columns.items()}
    cut = thresholds(
        columns,
        {name: sum(found.cells) * _worth(window) for name, found in counts.items()},
        floor=limits.effect_floor,
        block_rows=reference.block_rows,
        rng=rng,
    )
    found = (_measure(name, columns[name], counts[name], threshold=cut[name]) for name in columns)
    return tuple(replace(f, fault=_fault(f, columns, counts, limits=limits)) for f in found)


def _counts(window: Window, name: str, column: ColumnReference) -> Counts:
    found = window.score if name == SCORE else window.columns.get(name, Counts(()))
    if found.total:
        return found
    return Counts((0,) * column.bins.cells, missing=window.rows)


def _worth(window: Window) -> float:
    """Independent rows per row: rows of one request resemble each other."""
    if not window.rows or window.clusters[0] < window.rows or window.requests > window.rows:
        return 1.0
    return (
        effective_rows(window.clusters, requests=max(1, window.requests), rows=window.rows)
        / window.rows
    )


def _measure(
    name: str, column: ColumnReference, counts: Counts, *, threshold: float
) -> ColumnFinding:
    if column.blocks and _outside(column, counts) > MOSTLY:
        # Beyond the range of training distances hardly grow, so the farthest block is the bound.
        threshold = max(min(threshold, max(column.blocks)), TINY)
    return ColumnFinding(
        column=name,
        distance=column_distance(column, counts),
        threshold=threshold,
        rows=counts.total,
        null_rate=_null_rate(column, counts),
        reference_null_rate=_null_rate(column, column.counts),
        unknown_rate=_level_share(column, counts, UNKNOWN),
        reference_unknown_rate=_level_share(column, column.counts, UNKNOWN),
    )


def _fault(
    finding: ColumnFinding,
    columns: Mapping[str, ColumnReference],
    counts: Mapping[str, Counts],
    *,
    limits: Limits,
) -> str:
    column, live = columns[finding.column], counts[finding.column]
    rise = limits.max_null_rate_rise
    usual = max(finding.reference_null_rate + rise, *column.missing_blocks, 0.0)
    if finding.null_rate > usual + (NULL_RATE_NOISE if column.missing_blocks else 0.0):
        was = f"{finding.reference_null_rate:.1%} in training"
        return f"{finding.column}: {finding.null_rate:.1%} of the values are null, {was}"
    if finding.unknown_rate - finding.reference_unknown_rate > rise:
        was = f"{finding.reference_unknown_rate:.1%} in training"
        share = f"{finding.unknown_rate:.1%} of the values"
        return f"{finding.column}: {share} are outside every known category, {was}"
    if finding.column != SCORE and finding.drifted and _turned_constant(column, live):
        return f"{finding.column}: every value is {_name(column, live)}, training saw many"
    return ""


def _turned_constant(column: ColumnReference, live: Counts) -> bool:
    was = max(column.counts.cells) / max(1, sum(column.counts.cells))
    one = max(live.cells, default=0)
    if one == 0 or one < sum(live.cells) or was > SPREAD:
        return False
    # The outer cells of a number are wide: many values beyond training's range fall into one.
    at, cells = live.cells.index(one), len(live.cells)
    return bool(column.bins.levels) or cells == 2 or 0 < at < cells - 1


def _name(column: ColumnReference, live: Counts) -> str:
    at = live.cells.index(max(live.cells))
    if column.bins.levels:
        return repr(column.bins.levels[at])
    if len(live.cells) == 2:
        return "true" if at else "false"
    return f"about {column.centers[at]:g}"


def _outside(column: ColumnReference, counts: Counts) -> float:
    """Share of the values that lie below or above everything that training saw."""
    if column.bins.levels or not sum(counts.cells):
        return 0.0
    unseen = (at for at in (0, -1) if not column.counts.cells[at])
    return sum(counts.cells[at] for at in unseen) / sum(counts.cells)


def _null_rate(column: ColumnReference, counts: Counts) -> float:
    return counts.missing / max(1, counts.total) + _level_share(column, counts, MISSING)


def _level_share(column: ColumnReference, counts: Counts, level: str) -> float:
    if level not in column.bins.levels:
        return 0.0
    return counts.cells[column.bins.levels.index(level)] / max(1, counts.total)
