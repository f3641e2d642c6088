"""Windows: what one container counted between two flushes, and what labels came back.

Counts add, so windows of many containers and hours merge by summing.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from tidegate.frozen import frozen


@frozen
class Bins:
    """How one column is counted.

    Numbers: cell i holds x with edges[i-1] < x <= edges[i] (cell 0: x <= edges[0]; the last:
    above all edges), so there are len(edges) + 1 cells. Categories: one cell per level of the
    contract, in code order. Null numbers and NaN go to `missing`, beside the cells.
    """

    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.levels) if self.levels else len(self.edges) + 1


@frozen
class Counts:
    """One column's cells and nulls."""

    cells: tuple[int, ...]
    missing: int = 0

    @property
    def total(self) -> int:
        """All rows counted."""
        return sum(self.cells) + self.missing


@frozen
class ColumnReference:
    """What training saw of one column; `scale` is its standard deviation (categories: 1)."""

    bins: Bins
    counts: Counts
    centers: tuple[float, ...] = ()  # mean of the training values in each cell (numbers)
    scale: float = 1.0
    blocks: tuple[float, ...] = ()  # distance of each reference block (e.g. a day) from the whole
    missing_blocks: tuple[float, ...] = ()  # null rate of each of the same blocks


@frozen
class Reference:
    """`reference.json`: per feature, and of the score on the holdout."""

    columns: dict[str, ColumnReference]
    score: ColumnReference  # binary: P(positive); multiclass: top score; regression: the value
    labels: dict[str, int]  # predicted labels on the holdout
    metrics: dict[str, float]  # of the holdout
    block_rows: int  # median rows of a reference block


@frozen
class Window:
    """Everything that one container counted from `start` to `end`."""

    id: str
    model: str
    version: int
    release: str
    start: datetime
    end: datetime
    requests: int = 0
    rows: int = 0  # that the model was asked for
    rejected: int = 0  # requests refused with 4xx
    errors: int = 0  # requests failed with 5xx
    # Rows whose answer was not finite. Their request gets a 422 and still is not counted as
    # rejected: it kept the contract.
    invalid: int = 0
    cold_starts: int = 0
    latency_ms: tuple[int, ...] = ()  # counts by LATENCY_EDGES_MS
    score: Counts = field(default_factory=lambda: Counts(()))
    labels: dict[str, int] = field(default_factory=dict)
    columns: dict[str, Counts] = field(default_factory=dict)
    # For the design effect of rows that arrive together: sum over requests of n^2, of n*m, of n*m^2
    # and over rows of x^2 (n rows of a request, m their mean score, x a row's score).
    clusters: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    uncounted: int = 0  # answered requests whose rows could not be counted
    container: str = ""  # who counted; requests counted there before, so that a lost line shows
    earlier: int = 0

    @property
    def answered(self) -> int:
        """Requests whose rows are in `score`, `labels` and `clusters`."""
        return self.requests - self.rejected - self.errors - self.uncounted


# The fields of a window that merely add up.
TOTALS = ("requests", "rows", "rejected", "errors", "invalid", "cold_starts", "uncounted")
LATENCY_EDGES_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0)


@frozen
class EarlierLabel:
    """A value that was told of a row before another took its place."""

    label: str
    received_at: datetime


@frozen
class Label:
    """A true outcome, beside what was predicted for it."""

    model: str
    version: int
    release: str
    receipt: str  # receipt id
    row: int
    predicted_at: datetime
    received_at: datetime  # when this value was first told
    score: tuple[float, ...]  # as served: binary (P(positive),), multiclass all, regression value
    label: str  # class name; regression: the number as text
    earlier: tuple[EarlierLabel, ...] = ()  # what was told before, the latest first
