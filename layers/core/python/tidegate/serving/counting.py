"""Counting: rows are kept as they came, binned when many or when the window closes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.scoring.session import Matrix
from tidegate.serving.predictor import Outcome
from tidegate.serving.served import Served
from tidegate.windows.binning import count
from tidegate.windows.values import LATENCY_EDGES_MS, Bins, Counts, Reference, Window

FOLD_VALUES = 500_000  # bounds memory: millions of rows may be answered between two flushes


class Tally:
    """Counts of one column, growing."""

    def __init__(self, bins: Bins) -> None:
        """Begin at zero."""
        self.bins = bins
        self.cells = np.zeros(bins.cells, dtype=np.int64)
        self.missing = 0

    def add(self, values: npt.NDArray[Any]) -> None:
        """Count values (rows,)."""
        found = count(self.bins, values)
        self.cells += np.asarray(found.cells)
        self.missing += found.missing

    def counts(self) -> Counts:
        """Return the counts so far."""
        return Counts(tuple(self.cells.tolist()), missing=self.missing)


class OpenWindow:
    """What a container has counted since its last flush.

    `reference` says where cells lie; `columns` names those of the matrix, in order. Without a
    reference (a package that can't be read) only requests are counted.
    """

    def __init__(
        self, served: Served, reference: Reference | None, *, columns: Sequence[str] = ()
    ) -> None:
        """Begin an empty window."""
        self._served, self._reference = served, reference
        self._names = tuple(columns)
        self._warm = self._flushed = False
        self.clear()

    def clear(self) -> None:
        """Begin again at zero."""
        self.latencies: list[float] = []
        self._start: datetime | None = None
        self._totals: Counter[str] = Counter()
        self._latency = [0] * (len(LATENCY_EDGES_MS) + 1)
        self._forget_rows()

    def warm(self) -> None:
        """Note that the container ran for something that isn't counted."""
        self._warm = True

    def count(self, outcome: Outcome, *, milliseconds: float, at: datetime) -> None:
        """Count one request and its answer."""
        self._start = self._start or at
        self._totals.update(requests=1, cold_starts=0 if self._warm else 1)
        self._warm = True
        self._latency[bisect_left(LATENCY_EDGES_MS, milliseconds)] += 1
        self.latencies.append(milliseconds)
        status = outcome.answer.status
        if outcome.features is None:
            self._totals["errors" if status >= 500 else "rejected"] += 1
            return
        self._totals.update(rows=len(outcome.features), invalid=outcome.invalid)
        self._features.append(outcome.features)
        if outcome.scores is not None:
            self._add_scores(outcome.scores, outcome.labels)
        self._kept += outcome.features.size
        if self._kept >= FOLD_VALUES:
            self._fold()

    def is_due(self, at: datetime, *, seconds: float) -> bool:
        """Tell whether to flush: after `seconds`, and at once in a container's first request.

        Many containers answer only a few requests, and nothing runs in them afterwards.
        """
        if self._start is None:
            return False
        return not self._flushed or (at - self._start).total_seconds() >= seconds

    def window(self, *, id: str, at: datetime) -> Window:
        """Return everything counted since the start, until `at`."""
        self._fold()
        self._flushed = True
        score = self._score.counts() if self._score else Counts(())
        return Window(
            id=id,
            model=self._served.model,
            version=self._served.version,
            release=self._served.release,
            start=min(self._start or at, at),
            end=at,
            **self._totals,
            latency_ms=tuple(self._latency),
            score=score,
            labels=dict(self._labels),
            columns={name: tally.counts() for name, tally in self._columns.items()},
            clusters=self._clusters,
        )

    def forfeit(self) -> None:
        """Give up the rows that can't be counted, but not the requests; say how many those are."""
        totals = self._totals
        lost = totals["requests"] - totals["rejected"] - totals["errors"]
        totals["uncounted"] = lost
        totals["rows"] = totals["invalid"] = 0
        self._forget_rows()

    def _forget_rows(self) -> None:
        reference = self._reference
        self._features: list[Matrix] = []
        self._scores: list[npt.NDArray[np.float64]] = []
        self._labels: Counter[str] = Counter()
        self._clusters = (0.0, 0.0, 0.0, 0.0)
        self._score = Tally(reference.score.bins) if reference else None
        self._kept = 0  # values in `_features`
        known = reference.columns if reference else {}
        self._columns = {name: Tally(known[name].bins) for name in self._names if known}

    def _add_scores(self, scores: npt.NDArray[np.float64], labels: tuple[str, ...]) -> None:
        rows, total = len(scores), float(scores.sum())
        squares, sums, between, overall = self._clusters
        self._clusters = (
            squares + rows * rows,
            sums + total,
            between + total * total / rows,
            overall + float(np.square(scores).sum()),
        )
        self._scores.append(scores)
        self._labels.update(labels)

    def _fold(self) -> None:
        """Bin what was kept."""
        if self._features and self._columns:
            matrix = np.concatenate(self._features)
            for tally, values in zip(self._columns.values(), matrix.T, strict=True):
                tally.add(values)
        if self._scores and self._score:
            self._score.add(np.concatenate(self._scores))
        self._features, self._scores, self._kept = [], [], 0
