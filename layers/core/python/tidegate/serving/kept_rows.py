"""Rows as they came, until they are binned: in memory that is taken once.

To keep each request's own arrays would take new pages from the system for every few of them and
give them back at each fold: 20 microseconds per request of 100 rows. A request only hangs its own
up; they are taken over some requests at a time, in a loop that the processor has at hand by then.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from tidegate.scoring.session import Matrix, as_matrix
from tidegate.serving.predictor import Outcome

KEPT_VALUES = 500_000  # of the matrix, 2 MB: millions of rows may be answered between two flushes
WAITING_REQUESTS = 64
WAITING_ROWS = 1_000


class KeptRows:
    """What requests asked and were answered, one after the other; `rows` were asked."""

    def __init__(self, *, values: int = KEPT_VALUES) -> None:
        """Begin empty, with room for so many values of the first request's width."""
        self._values = values
        self._room = 0
        self.clear()

    def clear(self) -> None:
        """Forget all of them."""
        self.rows = self._taken = self._scored = 0
        self._waiting: deque[Outcome] = deque()
        self.sizes: list[int] = []  # rows of each request that was answered
        self.labels: list[str] = []

    @property
    def features(self) -> Matrix:
        """What was asked, (rows, columns); valid until the next `add`. There must be some."""
        return self._features[: self._taken]

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """What was answered, (rows,): fewer rows where some were not; valid as `features` is."""
        return self._scores[: self._scored]

    def fills(self, rows: int) -> bool:
        """Tell whether so many rows would not fit beside what is here."""
        if not self._room:
            self.gather()
        return self.rows > 0 and self.rows + rows > self._room

    def add(self, outcome: Outcome) -> None:
        """Keep what a request asked, and its answers unless there are none.

        `gather` takes it over; until then it is in none of the others but `rows`.
        """
        self.rows += outcome.rows
        self._waiting.append(outcome)
        if len(self._waiting) >= WAITING_REQUESTS or self.rows - self._taken >= WAITING_ROWS:
            self.gather()

    def gather(self) -> None:
        """Take over what waits."""
        while self._waiting:
            self._take(self._waiting.popleft())

    def _take(self, outcome: Outcome) -> None:
        rows, features, scores = outcome.rows, outcome.features, outcome.scores
        if features is None:
            return
        matrix = as_matrix(features, rows)
        end = self._taken + rows
        if end > self._room:
            self._grow(end, matrix.shape[1])
        self._features[self._taken : end] = matrix
        self._taken = end
        if scores is not None:
            self._scores[self._scored : self._scored + rows] = scores
            self._scored += rows
            self.sizes.append(rows)
            self.labels += outcome.labels

    def _grow(self, rows: int, columns: int) -> None:
        """Make room for so many rows at least; it stays so."""
        room = max(rows, self._values // columns)
        features, scores = np.empty((room, columns), np.float32), np.empty(room)
        if self._taken:
            features[: self._taken], scores[: self._scored] = self.features, self.scores
        # Pages that are never written are never taken.
        self._features, self._scores, self._room = features, scores, room
