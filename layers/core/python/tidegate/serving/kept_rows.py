"""Rows as they came, until they are binned: in memory that is taken once.

To keep each request's own arrays would take new pages from the system for every few of them and
give them back at each fold: 20 microseconds per request of 100 rows. A request only hangs its own
up; they are taken over some requests at a time, in a loop that the processor has at hand by then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidegate.scoring.session import Matrix

KEPT_VALUES = 500_000  # of the matrix, 2 MB: millions of rows may be answered between two flushes
WAITING_REQUESTS = 64
WAITING_ROWS = 1_000

Scores = Sequence[float] | npt.NDArray[np.float64]


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
        self._waiting: list[tuple[Matrix, Scores | None, Sequence[str]]] = []
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

    def add(self, features: Matrix, scores: Scores | None, labels: Sequence[str]) -> None:
        """Keep a request: what it asked (rows, columns), and its answers unless there are none.

        `gather` takes it over; until then it is in none of the others but `rows`.
        """
        self.rows += len(features)
        self._waiting.append((features, scores, labels))
        if len(self._waiting) >= WAITING_REQUESTS or self.rows - self._taken >= WAITING_ROWS:
            self.gather()

    def gather(self) -> None:
        """Take over what waits."""
        for features, scores, labels in self._waiting:
            self._take(features, scores, labels)
        self._waiting.clear()

    def _take(self, features: Matrix, scores: Scores | None, labels: Sequence[str]) -> None:
        rows = len(features)
        end = self._taken + rows
        if end > self._room:
            self._grow(end, features.shape[1])
        self._features[self._taken : end] = features
        self._taken = end
        if scores is not None:
            self._scores[self._scored : self._scored + rows] = scores
            self._scored += rows
            self.sizes.append(rows)
            self.labels += labels

    def _grow(self, rows: int, columns: int) -> None:
        """Make room for so many rows at least; it stays so."""
        room = max(rows, self._values // columns)
        features, scores = np.empty((room, columns), np.float32), np.empty(room)
        if self._taken:
            features[: self._taken], scores[: self._scored] = self.features, self.scores
        # Pages that are never written are never taken.
        self._features, self._scores, self._room = features, scores, room
