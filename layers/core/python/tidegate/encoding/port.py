"""The coder port: how one column's values become what the model sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tidegate.frozen import frozen

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt

Values = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]


@frozen
class Domain:
    """What one column may hold; codes lie between `low` and `high`, or are NaN for null."""

    low: float
    high: float
    kinds: frozenset[type]  # of JSON values that can have a code
    array_kinds: str = ""  # of numpy arrays that are taken as they are
    loose: bool = False  # `many` leaves the types to its caller


class Coder(Protocol):
    """How one column is encoded."""

    @property
    def domain(self) -> Domain:
        """What the column may hold."""
        ...

    def one(self, value: object) -> float | str:
        """Return the code of a JSON value, or the rule that it breaks."""
        ...

    def many(self, values: Sequence[Any]) -> Sequence[float | None] | None:
        """Return numbers that stand for JSON values, None for null; None when in doubt.

        They may be out of bounds still.
        """
        ...

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Return the codes of an array, which of them are refused, and the rule."""
        ...
