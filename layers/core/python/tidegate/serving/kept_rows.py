"""Rows as they came, until they are binned: in memory that is taken once.

To keep each request's own arrays would take new pages from the system for every few of them and
give them back at each fold: 20 microseconds per request of 100 rows. They lie by columns, because
columns are what is sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tidegate.scoring.reading import Numbers, Places
from tidegate.scoring.session import Matrix

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt

KEPT_ROWS, KEPT_VALUES = 5_000, 250_000  # of the matrix: 1 MB at most, unless one request has more


class KeptRows:
    """What requests asked and were answered, one after the other."""

    def __init__(self, *, most: int = KEPT_ROWS) -> None:
        """Begin empty, with room for so many rows, or fewer if they are wide."""
        self._most = self._room = most
        self._taken = 0  # rows that there is memory for
        self.clear()

    def clear(self) -> None:
        """Forget all of them."""
        self.rows = self._scored = 0  # `rows` were asked
        self.sizes: list[int] = []  # rows of each request that was answered

    @property
    def columns(self) -> npt.NDArray[np.float32]:
        """What was asked, (columns, rows); valid until the next `ask`. There must be some."""
        return self._columns[:, : self.rows]

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """What was answered, (rows,): fewer rows where some were not; valid as `columns` are."""
        return self._scores[: self._scored]

    @property
    def places(self) -> npt.NDArray[np.intp]:
        """Numbers of the classes answered, (rows,) as `scores`; of a regression anything."""
        return self._places[: self._scored]

    @property
    def share(self) -> float:
        """How full it is, 0 to 1."""
        return min(1.0, self.rows / self._room)

    def fills(self, rows: int) -> bool:
        """Tell whether so many rows would not fit beside what is here."""
        return self.rows > 0 and self.rows + rows > self._room

    def ask(self, features: Matrix) -> None:
        """Keep what some requests asked, (rows, columns), that do not fill it, or as the first."""
        rows, columns = features.shape
        end = self.rows + rows
        if end > self._taken:
            self._take(end, columns)
        self._columns[:, self.rows : end] = features.T
        self.rows = end

    def answer(self, scores: Numbers, places: Places, sizes: Sequence[int]) -> None:
        """Keep what was answered to requests of so many rows each, which were asked before."""
        end = self._scored + len(scores)
        self._scores[self._scored : end] = scores
        if len(places):
            self._places[self._scored : end] = places
        self._scored = end
        self.sizes += sizes

    def _take(self, rows: int, columns: int) -> None:
        """Take memory for so many rows at least, when there are none yet."""
        self._room = max(1, min(self._most, KEPT_VALUES // columns))
        self._taken = max(rows, self._room)
        # Pages that are never written are never taken.
        self._columns = np.empty((columns, self._taken), np.float32)
        self._scores = np.empty(self._taken)
        self._places = np.empty(self._taken, np.intp)
