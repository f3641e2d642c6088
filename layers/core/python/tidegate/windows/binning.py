"""Binning: choose a column's cells once, at training; count into them ever after.

The rule of a cell is that of `Bins`. Values are compared as float32, the type in which models see
them, so training and serving can't disagree about a border.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from tidegate.contract import Column, Task
from tidegate.windows.values import Bins, ColumnReference, Counts

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt

MAX_EDGES = 64
PROBABILITY_CELLS = 100
BLOCK_ROWS = 5_000  # sorted together: more leave the processor's caches, of fewer the calls show
PART_VALUES = 5_000  # binned in one go: some 40 microseconds
FLAG = Bins(edges=(0.0,))  # of booleans: false (0), true (1)


def make_bins(values: npt.ArrayLike, column: Column) -> Bins:
    """Return the cells of one feature as training saw it.

    `values` (rows,) as the model sees them (categories: codes; null numbers: NaN). A category has
    one cell per level and a boolean two. A number has up to 64 distinct edges at equal shares of
    the rows, the first just below the smallest value and the last the largest one: so the outer
    cells hold what training never saw. Without any finite value there is one edge, 0. Source:
    equal-frequency binning, Dougherty et al. 1995, doi:10.1016/B978-1-55860-377-6.50032-3.

    >>> make_bins([3.0, 1.0, 2.0], Column("hour", "integer")).edges
    (0.9999999403953552, 1.0, 2.0, 3.0)
    """
    if column.type == "category":
        return Bins(levels=column.levels)
    return FLAG if column.type == "boolean" else Bins(edges=_quantile_edges(values))


def score_bins(task: Task, scores: npt.ArrayLike) -> Bins:
    """Return the cells of the score: 100 equal ones for probabilities, else as a number feature.

    `scores` (rows,): binary P(positive), multiclass the top score, regression the value. Equal
    cells make windows of two versions of a classifier comparable cell by cell.

    >>> score_bins("binary", []).cells
    100
    """
    if task == "regression":
        return Bins(edges=_quantile_edges(scores))
    cells = PROBABILITY_CELLS
    return Bins(edges=tuple(i / cells for i in range(1, cells)))


def count(bins: Bins, values: npt.ArrayLike) -> Counts:
    """Return how many of `values` (rows,) fall into each cell, and how many are NaN.

    Infinities fall into the outer cells. Raises `ValueError` on a category code without a level.

    >>> count(Bins(edges=(1.0, 2.0)), [0.5, 1.0, 1.5, 9.0, float("nan")])
    Counts(cells=(2, 1, 1), missing=1)
    """
    column = np.asarray(values, dtype=np.float32)
    present = column[~np.isnan(column)]
    cells = np.bincount(locate(bins, present), minlength=bins.cells)
    return Counts(tuple(cells.tolist()), missing=int(column.size - present.size))


class Tallies:
    """Growing counts of the columns of a matrix.

    Cells follow from how many values lie at or below each edge or level, and those from sorting:
    numpy sorts float32 several times faster than it searches the edges for each value.
    """

    def __init__(self, bins: Mapping[str, Bins]) -> None:
        """Begin at zero; `bins` by column, in the matrix's order."""
        self._bins = dict(bins)
        self._rows = 0
        # At or below infinity lies all but NaN.
        self._borders = [
            np.array([*(b.edges or range(len(b.levels))), np.inf], dtype=np.float32)
            for b in bins.values()
        ]
        self._is_category = [bool(b.levels) for b in bins.values()]
        self._below = [np.zeros(len(borders), dtype=np.int64) for borders in self._borders]

    def add(self, matrix: npt.NDArray[np.float32]) -> None:
        """Count a matrix (rows, columns) as `count` would each of its columns.

        Raises `ValueError` on a category code without a level, and then counts nothing.
        """
        for _ in self.parts(np.array(matrix.T, dtype=np.float32, order="C")):
            pass

    def parts(self, columns: npt.NDArray[np.float32]) -> Iterator[float]:
        """Count each of these columns, (columns, rows), in parts of about `PART_VALUES` values.

        Yields the share done after each; nothing is counted before the last one, nor may anything
        else be in between. The columns are sorted where they are, by blocks of rows. Raises
        `ValueError` when they are of another number, and as `add`.
        """
        if len(columns) != len(self._borders):
            raise ValueError(f"there are {len(columns)} columns, not {len(self._borders)}")
        return self._parts(columns)

    def _parts(self, columns: npt.NDArray[np.float32]) -> Iterator[float]:
        count, rows = columns.shape
        width = max(1, PART_VALUES // max(1, min(rows, BLOCK_ROWS)))
        corners = list(product(range(0, rows, BLOCK_ROWS), range(0, count, width)))
        below = list(self._below)
        for done, (row, column) in enumerate(corners, start=1):
            for j in range(column, min(column + width, count)):
                below[j] = below[j] + self._look(columns[j, row : row + BLOCK_ROWS], j)
            if done == len(corners):
                self._below, self._rows = below, self._rows + rows
            yield done / len(corners)

    def counts(self) -> dict[str, Counts]:
        """Return the counts so far by column."""
        return {
            name: Counts(
                tuple(np.diff(below, prepend=0)[: bins.cells].tolist()),
                missing=self._rows - int(below[-1]),
            )
            for (name, bins), below in zip(self._bins.items(), self._below, strict=True)
        }

    def _look(self, column: npt.NDArray[np.float32], j: int) -> npt.NDArray[np.intp]:
        """Sort a column; return how many of its values lie at or below each border."""
        column.sort()  # NaN comes last
        below = column.searchsorted(self._borders[j], side="right")
        if self._is_category[j]:
            _check_codes(column, self._borders[j], below)
        return below


def _check_codes(
    column: npt.NDArray[np.float32],
    borders: npt.NDArray[np.float32],
    below: npt.NDArray[np.intp],
) -> None:
    """Raise `ValueError` when something in a sorted column lies between two levels, or beyond."""
    under = np.searchsorted(column, borders, side="left")
    if under[0] or below[-1] != below[-2] or (under[1:] != below[:-1]).any():
        raise ValueError(_no_level(len(borders) - 1))


def locate(bins: Bins, values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the cell number of each of `values` (rows,), none of which is NaN.

    Raises `ValueError` on a category code without a level.

    >>> locate(Bins(edges=(1.0, 2.0)), np.array([1.0, 1.5], np.float32)).tolist()
    [0, 1]
    """
    if not bins.levels:
        return np.searchsorted(np.asarray(bins.edges, dtype=np.float32), values, side="left")
    codes = values.astype(np.intp)
    if values.size and ((codes != values) | (codes < 0) | (codes >= bins.cells)).any():
        raise ValueError(_no_level(bins.cells))
    return codes


def _no_level(levels: int) -> str:
    return f"a category code is not among 0..{levels - 1}"


def summarize(bins: Bins, values: npt.ArrayLike) -> ColumnReference:
    """Return what is remembered of a column: counts, the mean of each cell, the scale.

    `values` (rows,) as in `make_bins`. `scale` is the standard deviation of the finite values, or 1
    where that is 0 or the column is a category. An empty cell has its center at the middle of its
    edges; an empty outer one lies one scale beyond its edge.

    >>> summarize(Bins(edges=(1.0, 2.0)), [1.0, 2.0, 2.0]).scale
    0.4714045207910317
    """
    counts = count(bins, values)
    if bins.levels:
        return ColumnReference(bins, counts)
    column = _finite(values)
    spread = float(column.std(dtype=np.float64)) if column.size else 0.0
    scale = spread if np.isfinite(spread) and spread > 0 else 1.0
    return ColumnReference(bins, counts, centers=_centers(bins, column, scale=scale), scale=scale)


def _centers(bins: Bins, column: npt.NDArray[np.float32], *, scale: float) -> tuple[float, ...]:
    edges = np.asarray(bins.edges, dtype=np.float64)
    middles = np.concatenate(
        ([edges[0] - scale], (edges[:-1] + edges[1:]) / 2, [edges[-1] + scale])
    )
    cell = locate(bins, column)
    sizes = np.bincount(cell, minlength=bins.cells)
    sums = np.bincount(cell, weights=column.astype(np.float64), minlength=bins.cells)
    means = np.divide(sums, sizes, out=middles, where=sizes > 0)
    return tuple(np.maximum.accumulate(means).tolist())  # rounding may not turn two cells around


def _quantile_edges(values: npt.ArrayLike) -> tuple[float, ...]:
    column = np.sort(_finite(values))
    if column.size == 0:
        return (0.0,)
    distinct = np.unique(column)
    if distinct.size >= MAX_EDGES:
        ranks = np.linspace(0, column.size - 1, MAX_EDGES - 1).round().astype(np.intp)
        distinct = np.unique(column[ranks])
    with np.errstate(over="ignore"):  # below the least float32 there is no edge
        below = np.nextafter(distinct[0], np.float32(-np.inf))
    edges = np.concatenate(([below], distinct)) if np.isfinite(below) else distinct
    return tuple(edges.astype(np.float64).tolist())


def _finite(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    column = np.asarray(values, dtype=np.float32)
    if column.ndim != 1:
        raise ValueError(f"values must be one-dimensional, not of shape {column.shape}")
    finite: npt.NDArray[np.float32] = column[np.isfinite(column)]
    return finite
