"""Counting: rows are kept as they came, binned when many or when the window closes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from tidegate.contract import UNKNOWN
from tidegate.frozen import frozen
from tidegate.serving.kept_rows import KeptRows
from tidegate.serving.predictor import Outcome
from tidegate.serving.sampling import Sampler
from tidegate.serving.served import Served
from tidegate.serving.times import Times
from tidegate.windows.binning import Tallies
from tidegate.windows.values import Counts, Reference, Window

FLUSH_ROWS = 100_000
FLUSH_SECONDS = 60.0
NEVER = datetime.max.replace(tzinfo=UTC)
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
    Times are of a request's arrival.
    """

    def __init__(
        self,
        served: Served,
        reference: Reference | None,
        *,
        columns: Sequence[str] = (),
        flush_rows: int = FLUSH_ROWS,
        flush_seconds: float = FLUSH_SECONDS,
        sampler: Sampler | None = None,
    ) -> None:
        """Begin an empty window, due after so many seconds, rows or requests at the latest."""
        self._served, self._flush_rows, self._sampler = served, flush_rows, sampler
        self._open_for = timedelta(seconds=flush_seconds)
        self._kept = KeptRows()
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
        self._cold = 0
        self._due = NEVER
        self._times = Times()
        self._time = self._times.single.append
        self._forget_rows()
        if self._sampler:
            self._sampler.clear()

    def warm(self) -> None:
        """Note that the container ran for something that isn't counted."""
        self._warm = True

    def count(self, outcome: Outcome, *, milliseconds: float, at: datetime, id: str = "") -> bool:
        """Count one request, by its `id`, and its answer; tell what `is_due` does then."""
        if not self.requests:
            self._start = at
            self._due = at + self._open_for if self._flushed else at
            self._cold, self._warm = int(not self._warm), True
        self.requests += 1
        self._time(milliseconds)
        rows = outcome.rows
        if not rows:
            self._errors += outcome.answer.status >= 500
            self._rejected += outcome.answer.status < 500
        else:
            if self._kept.fills(rows):
                self._fold()
            self._kept.add(outcome)
            self._rows += rows
            self._invalid += outcome.invalid
            if self._sampler:
                self._sampler.offer(outcome, id=id, at=at)
        return self.is_due(at)

    def is_due(self, at: datetime) -> bool:
        """Tell whether to flush: when it is time, or when rows or requests are many.

        Also at once in a container's first request: many containers answer only a few, and nothing
        runs in them afterwards.
        """
        most = self._flush_rows
        return at >= self._due or self._rows >= most or self.requests >= most

    def close(self, *, id: str, at: datetime) -> Closed:
        """Return everything counted since the start, until `at`; `clear` it once it is printed."""
        self._fold()
        self._flushed, self._due = True, (self._start or at) + self._open_for
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
            latency_ms=self._times.counts(),
            score=self._score.counts().get(_SCORE, Counts(())),
            labels=dict(self._labels),
            columns=columns,
            clusters=self._clusters,
            container=self._container,
            earlier=self._earlier,
        )
        samples = self._sampler.lines() if self._sampler else ()
        unknown = self._unknown(columns)
        return Closed(window, tuple(self._times.single), self._times.billed(), unknown, samples)

    def forfeit(self) -> None:
        """Give up the rows that can't be counted, but not the requests; say how many those are.

        Their times stay in the histogram and are given up as single values, so that a container
        that can't print does not grow.
        """
        self._uncounted = self.requests - self._rejected - self._errors
        self._rows = 0
        self._times.fold()
        self._forget_rows()

    def _forget_rows(self) -> None:
        self._kept.clear()
        self._invalid = 0
        self._labels: Counter[str] = Counter()
        self._clusters = (0.0, 0.0, 0.0, 0.0)
        self._score = Tallies(self._score_bins)
        self._columns = Tallies(self._column_bins)

    def _fold(self) -> None:
        """Bin what was kept."""
        kept = self._kept
        kept.gather()
        if self._column_bins and kept.rows:
            self._columns.add(kept.features)
        if kept.sizes:
            self._add_scores(kept.scores, np.array(kept.sizes))
            self._labels.update(kept.labels)
        kept.clear()

    def _add_scores(self, scores: npt.NDArray[np.float64], rows: npt.NDArray[np.intp]) -> None:
        """Count the scores of requests of so many `rows` each, and sums for the design effect."""
        if self._score_bins:
            self._score.add(scores[:, None].astype(np.float32))
        sums = np.add.reduceat(scores, np.cumsum(rows) - rows)
        squares, total, between, overall = self._clusters
        self._clusters = (
            squares + float(np.square(rows).sum()),
            total + float(sums.sum()),
            between + float((np.square(sums) / rows).sum()),
            overall + float(np.square(scores).sum()),
        )

    def _unknown(self, columns: dict[str, Counts]) -> int:
        maps = {name for name, bins in self._column_bins.items() if bins.levels[-1:] == (UNKNOWN,)}
        return sum(columns[name].cells[-1] for name in maps)
