"""The reference: what training saw of each column, and what the model answered on the holdout.

Bins are chosen once, here. Blocks are the days (UTC) of the time column: monitoring learns from
them how far an ordinary day lies from the whole. Without a time column there are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tidegate.contract import MISSING, Contract
from tidegate.scoring.predictions import labels, tracked
from tidegate.scoring.session import Matrix
from tidegate.training.table import Array
from tidegate.windows.binning import count, make_bins, score_bins, summarize
from tidegate.windows.distance import column_distance
from tidegate.windows.values import Bins, ColumnReference, Counts, Reference

MIN_BLOCK_ROWS = 30
Blocks = tuple[Array, ...]  # row numbers of each block


@dataclass(frozen=True, eq=False)
class Answered:
    """The holdout as answered: scores (rows, outputs) and time, if there is one."""

    scores: Matrix
    time: Array | None


def make_reference(
    matrix: Matrix,
    contract: Contract,
    *,
    time: Array | None,
    holdout: Answered,
    metrics: Mapping[str, float],
) -> Reference:
    """Return the reference of training rows `matrix` (rows, features) and the answered holdout."""
    blocks = day_blocks(time)
    columns = {
        column.name: _reference(matrix[:, j], make_bins(matrix[:, j], column), blocks)
        for j, column in enumerate(contract.columns)
    }
    score = tracked(contract, holdout.scores)
    return Reference(
        columns=columns,
        score=_reference(score, score_bins(contract.task, score), day_blocks(holdout.time)),
        labels=dict(sorted(Counter(labels(contract, holdout.scores)).items())),
        metrics=dict(metrics),
        block_rows=int(np.median([len(block) for block in blocks])) if blocks else 0,
    )


def day_blocks(time: Array | None) -> Blocks:
    """Return the row numbers of each UTC day, oldest first; days under 30 rows are left out.

    >>> time = np.array(["2013-01-01T10", "2013-01-02T10"], dtype="datetime64[ms]").repeat(40)
    >>> [len(block) for block in day_blocks(time)]
    [40, 40]
    """
    if time is None:
        return ()
    days = time.astype("datetime64[D]")
    order = np.argsort(days, kind="stable")
    starts = np.flatnonzero(np.diff(days[order]).astype(np.int64)) + 1
    return tuple(rows for rows in np.split(order, starts) if len(rows) >= MIN_BLOCK_ROWS)


def _reference(values: Array, bins: Bins, blocks: Blocks) -> ColumnReference:
    whole = summarize(bins, values)
    counted = [count(bins, values[rows]) for rows in blocks]
    return replace(
        whole,
        blocks=tuple(column_distance(whole, counts) for counts in counted),
        missing_blocks=tuple(_null_rate(bins, counts) for counts in counted),
    )


def _null_rate(bins: Bins, counts: Counts) -> float:
    nulls = counts.missing
    if MISSING in bins.levels:
        nulls += counts.cells[bins.levels.index(MISSING)]
    return nulls / counts.total
