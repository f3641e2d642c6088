"""How long requests took: single values until they are folded into a histogram."""

from __future__ import annotations

import numpy as np

from tidegate.windows.values import LATENCY_EDGES_MS


class Times:
    """Milliseconds of requests; those that were not folded yet are in `single`, to append to."""

    def __init__(self) -> None:
        """Begin with none."""
        self.single: list[float] = []
        self._counts = np.zeros(len(LATENCY_EDGES_MS) + 1, dtype=np.intp)
        self._billed = 0

    def fold(self) -> None:
        """Give the single values up; histogram and sum keep them."""
        self._counts, self._billed = self._folded()
        self.single.clear()

    def counts(self) -> tuple[int, ...]:
        """Return how many lie in each cell of `LATENCY_EDGES_MS`, each edge in the cell below."""
        return tuple(self._folded()[0].tolist())

    def billed(self) -> int:
        """Return the sum of all, each rounded up to a whole millisecond as AWS Lambda bills it."""
        return self._folded()[1]

    def _folded(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]:
        times = np.array(self.single, dtype=np.float64)
        cells = np.searchsorted(LATENCY_EDGES_MS, times, side="left")
        counts = self._counts + np.bincount(cells, minlength=len(self._counts))
        return counts, self._billed + int(np.ceil(times).sum())
