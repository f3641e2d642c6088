"""How far counts are from what training saw: the one distance of references and looks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidegate.stats.arrays import Floats
from tidegate.stats.distances import jensen_shannon, wasserstein
from tidegate.windows.values import ColumnReference, Counts


def column_distance(reference: ColumnReference, counts: Counts) -> float:
    """Return the distance of `counts` from the reference's own; 0 where either counts nothing.

    Numbers and booleans: Wasserstein, in standard deviations of the reference. Categories:
    Jensen-Shannon, in [0, 1]. Nulls are left out: their rate is a finding of its own.
    Raises `ValueError` when the numbers of cells differ.

    >>> from tidegate.windows.values import Bins
    >>> column = ColumnReference(Bins(levels=("a", "b")), Counts((5, 5)))
    >>> round(column_distance(column, Counts((9, 1))), 3)
    0.383
    """
    if not any(reference.counts.cells) or not any(counts.cells):
        return 0.0
    return float(cell_distance(reference, reference.counts.cells, counts.cells))


def cell_distance(column: ColumnReference, p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Return the distance between histograms over the column's cells (the last axis).

    `p`, `q` (..., cells) counts, none of them empty; the unit is that of `column_distance`.

    >>> from tidegate.windows.values import Bins
    >>> column = ColumnReference(Bins(edges=(0.0,)), Counts((1, 1)), centers=(0.0, 1.0), scale=0.5)
    >>> cell_distance(column, [1, 1], [[1, 1], [0, 2]]).tolist()
    [0.0, 1.0]
    """
    if column.bins.levels:
        return np.asarray(jensen_shannon(p, q))
    return np.asarray(wasserstein(p, q, centers=column.centers, scale=column.scale))
