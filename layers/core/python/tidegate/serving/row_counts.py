"""Rows that were asked and answered: kept as they came, binned while the next ones come.

Rows come together until they are many, because of few the calls show. They are binned where they
are, a part at a time, while as many others come elsewhere: all at once would have one request wait
for milliseconds, and every hundredth request is somebody's p99.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import add

import numpy as np

from tidegate.contract import UNKNOWN, Contract
from tidegate.scoring.reading import Numbers, Places
from tidegate.scoring.session import Matrix
from tidegate.serving.kept_rows import KEPT_ROWS, KeptRows
from tidegate.windows.binning import Tallies
from tidegate.windows.values import Counts, Reference

_SCORE = "score"
_SCORES_SHARE = 0.1  # of the work: as much as some parts of the columns


class RowCounts:
    """Cells, classes and sums of the rows of one window; all of them are in it after `finish`.

    `clusters` are sums over requests of so many rows each, for the design effect.
    """

    def __init__(
        self, reference: Reference | None, contract: Contract | None, *, most: int = KEPT_ROWS
    ) -> None:
        """Begin empty, binning when there are `most` rows; without a reference there are no cells.

        Without a contract there are no classes.
        """
        columns = contract.column_names if contract else ()
        self._classes = contract.target.classes if contract else ()
        self._column_bins = {n: reference.columns[n].bins for n in columns} if reference else {}
        self._score_bins = {_SCORE: reference.score.bins} if reference else {}
        self._kept, self._taken = KeptRows(most=most), KeptRows(most=most)
        self.clear()

    def clear(self) -> None:
        """Begin again at zero."""
        self._kept.clear()
        self._binning: Iterator[float] = iter(())
        self._binned = 1.0  # the share of `_taken`
        self._labels = [0] * len(self._classes)
        self.clusters = (0.0, 0.0, 0.0, 0.0)
        self._score, self._columns = Tallies(self._score_bins), Tallies(self._column_bins)

    def ask(self, features: Matrix) -> None:
        """Count what some requests asked, (rows, columns)."""
        if self._kept.fills(len(features)):
            self._turn()
        self._kept.ask(features)
        self._bin(self._kept.share)

    def answer(self, scores: Numbers, places: Places, sizes: Sequence[int]) -> None:
        """Count what was answered to requests of so many rows each, which were asked last."""
        self._kept.answer(scores, places, sizes)

    def finish(self) -> None:
        """Bin what is left."""
        self._turn()
        self._bin(1.0)

    @property
    def columns(self) -> dict[str, Counts]:
        """Cells by column, in the contract's order."""
        return self._columns.counts()

    @property
    def score(self) -> Counts:
        """Cells of the score."""
        return self._score.counts().get(_SCORE, Counts(()))

    @property
    def labels(self) -> dict[str, int]:
        """Rows by the class that was answered."""
        return {n: count for n, count in zip(self._classes, self._labels, strict=True) if count}

    def unknown(self, columns: dict[str, Counts]) -> int:
        """Return how many of these cells' values no category names."""
        maps = {name for name, bins in self._column_bins.items() if bins.levels[-1:] == (UNKNOWN,)}
        return sum(columns[name].cells[-1] for name in maps)

    def _turn(self) -> None:
        """Begin to bin what was kept; the memory of what was binned is for what comes."""
        self._bin(1.0)
        self._kept, self._taken = self._taken, self._kept
        self._kept.clear()
        self._binning, self._binned = self._parts(self._taken), 0.0

    def _parts(self, taken: KeptRows) -> Iterator[float]:
        """Bin what was taken, scores first; yield the share done after each part."""
        if taken.sizes:
            self._add_answers(taken)
        yield _SCORES_SHARE
        if self._column_bins and taken.rows:
            for share in self._columns.parts(taken.columns):
                yield _SCORES_SHARE + (1 - _SCORES_SHARE) * share

    def _bin(self, share: float) -> None:
        """Bin at least this share of what was taken."""
        while self._binned < share:
            self._binned = next(self._binning, 1.0)

    def _add_answers(self, taken: KeptRows) -> None:
        """Count scores and classes, and sums over requests for the design effect."""
        scores, rows = taken.scores, np.array(taken.sizes)
        if self._score_bins:
            self._score.add(scores[:, None].astype(np.float32))
        if self._classes:
            found = np.bincount(taken.places, minlength=len(self._classes)).tolist()
            self._labels = list(map(add, self._labels, found))
        sums = np.add.reduceat(scores, np.cumsum(rows) - rows)
        squares, total, between, overall = self.clusters
        self.clusters = (
            squares + float(np.square(rows).sum()),
            total + float(sums.sum()),
            between + float((np.square(sums) / rows).sum()),
            overall + float(np.square(scores).sum()),
        )
