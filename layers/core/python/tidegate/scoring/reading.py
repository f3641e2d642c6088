"""Reading scores: what one contract makes of a matrix of many rows, or of few rows' numbers.

Both say the same (tested); Python's own numbers beat numpy's cost per call up to some rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tidegate.contract import Contract
from tidegate.frozen import made
from tidegate.scoring.predictions import places, shown, tracked
from tidegate.scoring.session import Matrix

T = TypeVar("T")
_Shape = tuple[Any, ...]
Places = (
    Sequence[int] | np.ndarray[_Shape, np.dtype[np.intp]] | np.ndarray[_Shape, np.dtype[np.int8]]
)
Numbers = Sequence[float] | np.ndarray[_Shape, np.dtype[np.float64]]

_SIDES = 2  # scores of a row of a binary model
# Added to a number of less than 2 ** 51 and taken off again, it leaves the nearest whole number.
_WHOLE = 1.5 * 2.0**52


def named(places: Places, names: Sequence[T]) -> Sequence[T]:
    """Return what stands at each place.

    >>> named([1, 0, 1], ["no", "yes"])
    ('yes', 'no', 'yes')
    """
    numbered = places.tolist() if isinstance(places, np.ndarray) else places
    if len(numbered) > 1:  # in two thirds of a loop's time
        found: tuple[T, ...] = itemgetter(*numbered)(names)
        return found
    return [names[place] for place in numbered]


class Read(NamedTuple):
    """What scores say that are all finite.

    `places` holds the number of each row's class among the contract's (nothing for a regression),
    `shown` and `tracked` what the functions of these names tell, `shown` row after row.
    """

    places: Places
    shown: list[float]
    tracked: Numbers


class Reading:
    """Reads scores by one contract."""

    def __init__(self, contract: Contract) -> None:
        """Look up what every request would."""
        self._contract, self._outputs = contract, contract.outputs
        self._threshold = float(np.float32(contract.threshold))
        self.few = {"binary": self._few_sides, "multiclass": self._few_classes}.get(
            contract.task, self._few_values
        )

    def many(self, scores: Matrix) -> Read | None:
        """Return what scores (rows, outputs) say, None when one of them isn't finite.

        >>> from tidegate.contract import Target
        >>> c = Contract("m", "binary", (), Target("late", ("no", "yes")), threshold=0.25)
        >>> Reading(c).many(np.array([[0.75, 0.25]], dtype=np.float32))
        Read(places=array([1], dtype=int8), shown=[0.25], tracked=array([0.25]))
        """
        if np.count_nonzero(np.isfinite(scores)) < scores.size:
            return None
        contract = self._contract
        if contract.task == "binary":  # as below, in fewer steps
            positive = scores[:, 1].astype(np.float64)
            sides = (positive >= self._threshold).view(np.int8)
            return Read(sides, (positive.round(6) + 0.0).tolist(), positive)
        told = shown(contract, scores).ravel().tolist()
        return Read(places(contract, scores), told, tracked(contract, scores))

    def _few_sides(self, numbers: Sequence[float]) -> Read | None:
        """Return what scores say, row after row; None when one of them isn't finite."""
        if len(numbers) == _SIDES:  # one row, as most requests have: in half the steps
            other, score = numbers
            if 0.0 <= score <= 1.0 and other - other == 0.0:  # not NaN or infinite
                rounded = (score * 1e6 + _WHOLE - _WHOLE) / 1e6
                return made(Read, ((score >= self._threshold,), [rounded], (score,)))
        # NaN when it isn't finite. Of float32: float64 holds any sum of finite ones.
        if (total := sum(numbers)) - total:
            return None
        positive = numbers[1::2]
        told = [round(score * 1e6) / 1e6 for score in positive]
        return Read(list(map(self._threshold.__le__, positive)), told, positive)

    def _few_classes(self, numbers: Sequence[float]) -> Read | None:
        if (total := sum(numbers)) - total:
            return None
        width = self._outputs
        rows = [numbers[at : at + width] for at in range(0, len(numbers), width)]
        top = list(map(max, rows))
        first = [row.index(most) for row, most in zip(rows, top, strict=True)]
        return Read(first, [round(score * 1e6) / 1e6 for score in numbers], top)

    def _few_values(self, numbers: Sequence[float]) -> Read | None:
        return self.many(np.array(numbers, np.float32)[:, None])
