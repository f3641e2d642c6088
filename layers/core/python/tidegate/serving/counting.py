"""Counting: requests wait -> are taken apart, some at a time -> their rows go to `RowCounts`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from math import inf

from tidegate.contract import Contract
from tidegate.frozen import frozen
from tidegate.scoring.session import Matrix, as_matrix
from tidegate.serving.predictor import Outcome
from tidegate.serving.row_counts import RowCounts
from tidegate.serving.sampling import Sampler
from tidegate.serving.served import Served
from tidegate.serving.times import Times
from tidegate.windows.values import Reference, Window

FLUSH_ROWS = 100_000
FLUSH_SECONDS = 60.0
# That are counted and not yet taken apart; of wide rows fewer.
WAITING_REQUESTS, WAITING_ROWS, WAITING_VALUES = 64, 300, 50_000


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

    `reference` says where cells lie, `contract` which columns and classes there are. Without them
    (a package that can't be read) only requests are counted. Times are of a request's arrival, in
    seconds since 1970.
    """

    def __init__(
        self,
        served: Served,
        reference: Reference | None,
        *,
        contract: Contract | None = None,
        flush_rows: int = FLUSH_ROWS,
        flush_seconds: float = FLUSH_SECONDS,
        sampler: Sampler | None = None,
    ) -> None:
        """Begin an empty window, due after so many seconds, rows or requests at the latest."""
        self._served, self._flush_rows, self._sampler = served, flush_rows, sampler
        self._open_for = flush_seconds
        self._row_counts = RowCounts(reference, contract)
        columns = len(contract.columns) if contract else 1
        self._waiting_rows = min(WAITING_ROWS, WAITING_VALUES // columns)
        self._waiting: list[tuple[float, Outcome]] = []
        self._warm = self._flushed = False
        self._container, self._earlier, self._requests = "", 0, 0
        self.clear()

    @property
    def requests(self) -> int:
        """How many were counted since the last flush."""
        return self._requests + len(self._waiting)

    def clear(self) -> None:
        """Begin again at zero; what was counted is in somebody else's hands."""
        self._earlier += self.requests
        self._start: float | None = None
        self._requests = self._rows = self._rejected = self._errors = self._uncounted = 0
        self._cold, self._due = 0, inf
        self._times = Times()
        self._waiting.clear()
        self._forget_rows()
        self._look_again()
        if self._sampler:
            self._sampler.clear()

    def warm(self) -> None:
        """Note that the container ran for something that isn't counted."""
        self._warm = True

    def count(self, outcome: Outcome, *, milliseconds: float, at: float, id: str = "") -> bool:
        """Count one request, by its `id`, and its answer; tell what `is_due` does then.

        Most requests only wait here to be taken apart later, some at a time, in a loop that the
        processor has at hand by then: that takes a third of the time.
        """
        start = self._begin(at) if self._start is None else self._start
        self._waiting.append((milliseconds, outcome))
        if self._sampler:
            self._sampler.offer(outcome, id=id, at=at)
        self._more_rows -= outcome.rows
        if len(self._waiting) < self._more and self._more_rows > 0 and start <= at < self._due:
            return False
        self._take()
        return self.is_due(at)

    def is_due(self, at: float) -> bool:
        """Tell whether to flush: when it is time, or when rows or requests are many.

        Also at once in a container's first request: many containers answer only a few, and nothing
        runs in them afterwards. And before the window's start: the clock was set back, and until it
        is as late again nothing would be told.
        """
        if self._start is not None and not self._start <= at < self._due:
            return True
        most = self._flush_rows
        return self._rows >= most or self._requests >= most

    def _begin(self, at: float) -> float:
        """Open the window at this time and return it."""
        self._start = at
        self._due = at + self._open_for if self._flushed else at
        self._cold, self._warm = int(not self._warm), True
        return at

    def _look_again(self) -> None:
        """Decide how many requests or rows may wait, so that none is flushed too late."""
        self._more = min(WAITING_REQUESTS, self._flush_rows - self._requests)
        self._more_rows = min(self._waiting_rows, self._flush_rows - self._rows)

    def _take(self) -> None:
        """Take apart what waits; requests of few rows together."""
        few: list[Outcome] = []
        for outcome in self._note():
            features, scores = outcome.features, outcome.scores
            if isinstance(features, bytes) and scores is not None:
                few.append(outcome)
                continue
            self._ask(as_matrix(features, outcome.rows))  # type: ignore[arg-type]
            self._invalid += outcome.invalid
            if scores is not None:
                self._row_counts.answer(scores, outcome.places, (outcome.rows,))
        if few:
            self._take_few(few)
        self._look_again()

    def _note(self) -> list[Outcome]:
        """Count the requests that wait and their times; return those of which there are rows."""
        waiting, self._waiting = self._waiting, []
        self._requests += len(waiting)
        self._times.single += [milliseconds for milliseconds, _ in waiting]
        refused = [outcome.answer.status for _, outcome in waiting if outcome.features is None]
        if not refused:
            return [outcome for _, outcome in waiting]
        errors = sum(status >= 500 for status in refused)
        self._errors += errors
        self._rejected += len(refused) - errors
        return [outcome for _, outcome in waiting if outcome.features is not None]

    def _take_few(self, outcomes: Sequence[Outcome]) -> None:
        """Take rows that are packed and were answered."""
        sizes = [one.rows for one in outcomes]
        packed = b"".join([one.features for one in outcomes])  # type: ignore[misc]
        self._ask(as_matrix(packed, sum(sizes)))
        scores = chain.from_iterable([one.scores for one in outcomes])  # type: ignore[misc]
        places = chain.from_iterable([one.places for one in outcomes])
        self._row_counts.answer(list(scores), list(places), sizes)

    def _ask(self, features: Matrix) -> None:
        self._row_counts.ask(features)
        self._rows += len(features)

    def close(self, *, id: str, at: float) -> Closed:
        """Return everything counted since the start, until `at`; `clear` it once it is printed."""
        self._take()
        self._row_counts.finish()
        start = min(self._start or at, at)  # the clock may have been set back
        if self._start is not None:
            self._start = start
        self._flushed, self._due = True, start + self._open_for
        self._container = self._container or id
        rows = self._row_counts
        columns = rows.columns
        window = Window(
            id=id,
            model=self._served.model,
            version=self._served.version,
            release=self._served.release,
            start=datetime.fromtimestamp(start, UTC),
            end=datetime.fromtimestamp(at, UTC),
            requests=self._requests,
            rows=self._rows,
            rejected=self._rejected,
            errors=self._errors,
            invalid=self._invalid,
            cold_starts=self._cold,
            uncounted=self._uncounted,
            latency_ms=self._times.counts(),
            score=rows.score,
            labels=rows.labels,
            columns=columns,
            clusters=rows.clusters,
            container=self._container,
            earlier=self._earlier,
        )
        samples = self._sampler.lines() if self._sampler else ()
        unknown = rows.unknown(columns)
        return Closed(window, tuple(self._times.single), self._times.billed(), unknown, samples)

    def forfeit(self) -> None:
        """Give up the rows that can't be counted, but not the requests; say how many those are.

        Their times stay in the histogram and are given up as single values, so that a container
        that can't print does not grow.
        """
        self._note()
        self._uncounted = self._requests - self._rejected - self._errors
        self._rows = 0
        self._times.fold()
        self._forget_rows()
        self._look_again()

    def _forget_rows(self) -> None:
        self._row_counts.clear()
        self._invalid = 0
