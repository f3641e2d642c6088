"""Counting: rows are kept as they came, binned when many or when the window closes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from math import ceil

import numpy as np
import numpy.typing as npt

from tidegate.contract import UNKNOWN
from tidegate.frozen import frozen
from tidegate.scoring.session import Matrix
from tidegate.serving.predictor import Outcome
from tidegate.serving.sampling import Sampler
from tidegate.serving.served import Served
from tidegate.windows.binning import Tallies
from tidegate.windows.values import LATENCY_EDGES_MS, Counts, Reference, Window

FOLD_VALUES = 500_000  # bounds memory: millions of rows may be answered between two flushes
FLUSH_ROWS = 100_000
_SCORE = "score"


@frozen
class Closed:
    """A window that was closed, and what goes to metrics and the log beside it."""

    window: Window
    latencies: Sequence[float] = ()  # milliseconds
    billed_ms: int = 0  # sum of each request's milliseconds, rounded up
    unknown: int = 0  # category values that the contract does not list and maps
    samples: Sequence[str] = ()  # log lines


class OpenWindow:
    """What a container has counted since its last flush.

    `reference` says where cells lie; `columns` names those of the matrix, in order. Without a
    reference (a package that can't be read) only requests are counted. `requests` says how many.
    """

    def __init__(
        self,
        served: Served,
        reference: Reference | None,
        *,
        columns: Sequence[str] = (),
        flush_rows: int = FLUSH_ROWS,
        sampler: Sampler | None = None,
    ) -> None:
        """Begin an empty window, due after so many rows or requests at the latest."""
        self._served, self._flush_rows, self._sampler = served, flush_rows, sampler
        self._column_bins = {n: reference.columns[n].bins for n in columns} if reference else {}
        self._score_bins = {_SCORE: reference.score.bins} if reference else {}
        self._warm = self._flushed = False
        self._container, self._earlier, self.requests = "", 0, 0
        self.clear()

    def clear(self) -> None:
        """Begin again at zero; what was counted is in somebody else's hands."""
        self._earlier += self.requests
        self._start: datetime | None = None
        self.requests = self._rows = self._rejected = self._errors = self._uncounted = 0
        self._cold = self._billed = 0
        self._latency = [0] * (len(LATENCY_EDGES_MS) + 1)
        self._latencies: list[float] = []
        self._forget_rows()
        if self._sampler:
            self._sampler.clear()

    def warm(self) -> None:
        """Note that the container ran for something that isn't counted."""
        self._warm = True

    def count(self, outcome: Outcome, *, milliseconds: float, at: datetime, id: str = "") -> None:
        """Count one request, by its `id`, and its answer."""
        if not self.requests:
            self._start = at
        if not self._warm:
            self._warm, self._cold = True, 1
        self.requests += 1
        self._latency[bisect_left(LATENCY_EDGES_MS, milliseconds)] += 1
        self._latencies.append(milliseconds)
        self._billed += ceil(milliseconds)
        features = outcome.features
        if features is None:
            self._errors += outcome.answer.status >= 500
            self._rejected += outcome.answer.status < 500
            return
        self._features.append(features)
        if outcome.scores is not None:
            self._scores.append(outcome.scores)
            self._named.append(outcome.labels)
        self._rows += len(features)
        self._invalid += outcome.invalid
        if self._sampler:
            self._sampler.offer(outcome, id=id, at=at)
        self._kept += features.size
        if self._kept >= FOLD_VALUES:
            self._fold()

    def is_due(self, at: datetime, *, seconds: float) -> bool:
        """Tell whether to flush: after `seconds`, or when rows or requests are many.

        Also at once in a container's first request: many containers answer only a few, and nothing
        runs in them afterwards.
        """
        if self._start is None:
            return False
        if not self._flushed or max(self._rows, self.requests) >= self._flush_rows:
            return True
        return (at - self._start).total_seconds() >= seconds

    def close(self, *, id: str, at: datetime) -> Closed:
        """Return everything counted since the start, until `at`; `clear` it once it is printed."""
        self._fold()
        self._flushed = True
        self._container = self._container or id
        columns = self._columns.counts()
        window = Window(
            id=id,
            model=self._served.model,
            version=self._served.version,
            release=self._served.release,
            start=min(self._start or at, at),
            end=at,
            requests=self.requests,
            rows=self._rows,
            rejected=self._rejected,
            errors=self._errors,
            invalid=self._invalid,
            cold_starts=self._cold,
            uncounted=self._uncounted,
            latency_ms=tuple(self._latency),
            score=self._score.counts().get(_SCORE, Counts(())),
            labels=dict(self._labels),
            columns=columns,
            clusters=self._clusters,
            container=self._container,
            earlier=self._earlier,
        )
        samples = self._sampler.lines() if self._sampler else ()
        unknown = self._unknown(columns)
        return Closed(window, tuple(self._latencies), self._billed, unknown, samples)

    def forfeit(self) -> None:
        """Give up the rows that can't be counted, but not the requests; say how many those are.

        Their latencies stay in the histogram and are given up as single values, so that a container
        that can't print does not grow.
        """
        self._uncounted = self.requests - self._rejected - self._errors
        self._rows = 0
        self._latencies.clear()
        self._forget_rows()

    def _forget_rows(self) -> None:
        self._forget_kept()
        self._invalid = 0
        self._labels: Counter[str] = Counter()
        self._clusters = (0.0, 0.0, 0.0, 0.0)
        self._score = Tallies(self._score_bins)
        self._columns = Tallies(self._column_bins)

    def _forget_kept(self) -> None:
        self._features: list[Matrix] = []
        self._scores: list[npt.NDArray[np.float64]] = []
        self._named: list[Iterable[str]] = []  # labels, one list per request
        self._kept = 0  # values in `_features`

    def _fold(self) -> None:
        """Bin what was kept."""
        if self._features and self._column_bins:
            self._columns.add(np.concatenate(self._features))
        if self._scores:
            self._add_scores(self._scores)
            self._labels.update(chain.from_iterable(self._named))
        self._forget_kept()

    def _add_scores(self, scores: list[npt.NDArray[np.float64]]) -> None:
        """Count the scores of some requests, and their sums for the design effect."""
        rows, flat = np.array([len(part) for part in scores]), np.concatenate(scores)
        if self._score_bins:
            self._score.add(flat[:, None].astype(np.float32))
        starts = np.cumsum(rows) - rows
        sums = np.add.reduceat(flat, starts)
        squares, total, between, overall = self._clusters
        self._clusters = (
            squares + float(np.square(rows).sum()),
            total + float(sums.sum()),
            between + float((np.square(sums) / rows).sum()),
            overall + float(np.square(flat).sum()),
        )

    def _unknown(self, columns: dict[str, Counts]) -> int:
        maps = {name for name, bins in self._column_bins.items() if bins.levels[-1:] == (UNKNOWN,)}
        return sum(columns[name].cells[-1] for name in maps)
