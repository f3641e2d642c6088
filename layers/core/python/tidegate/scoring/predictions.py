"""From scores (rows, outputs) to what is answered and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tidegate.contract import Contract
from tidegate.scoring.session import Matrix

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt


def labels(contract: Contract, scores: Matrix) -> tuple[str, ...]:
    """Return one class name per row; of a regression, nothing.

    Binary: the positive class when its score reaches the threshold; multiclass: the largest score,
    the first of equal ones. Scores must be finite (see `finite`).

    >>> from tidegate.contract import Target
    >>> c = Contract("m", "binary", (), Target("late", ("no", "yes")), threshold=0.25)
    >>> labels(c, np.array([[0.7, 0.25], [0.8, 0.2]], dtype=np.float32))
    ('yes', 'no')
    """
    classes = contract.target.classes
    return tuple([classes[place] for place in places(contract, scores).tolist()])


def places(contract: Contract, scores: Matrix) -> npt.NDArray[np.intp]:
    """Return what `labels` does as numbers of the contract's classes, (rows,)."""
    if contract.task == "regression":
        return np.empty(0, np.intp)
    if contract.task == "binary":
        sides: npt.NDArray[np.bool_] = scores[:, 1] >= np.float32(contract.threshold)
        return sides.astype(np.intp)
    largest: npt.NDArray[np.intp] = scores.argmax(axis=1)
    return largest


def tracked(contract: Contract, scores: Matrix) -> npt.NDArray[np.float64]:
    """Return the one number per row that windows count: P(positive), top score, or the value.

    >>> from tidegate.contract import Target
    >>> c = Contract("m", "regression", (), Target("price"))
    >>> tracked(c, np.array([[2.0], [3.0]], dtype=np.float32))
    array([2., 3.])
    """
    if contract.task == "multiclass":
        top: Matrix = scores.max(axis=1)
        return top.astype(np.float64)
    column: Matrix = scores[:, 1 if contract.task == "binary" else 0]
    return column.astype(np.float64)


def finite(scores: Matrix) -> npt.NDArray[np.bool_]:
    """Tell per row whether every score is a finite number.

    >>> finite(np.array([[0.5, 0.5], [np.nan, 1.0]], dtype=np.float32))
    array([ True, False])
    """
    return np.asarray(np.isfinite(scores).all(axis=1))


def shown(contract: Contract, scores: Matrix) -> npt.NDArray[np.float64]:
    """Return scores as they are told: six decimals of a probability, a value's shortest float32.

    Binary P(positive) only, (rows, 1); multiclass (rows, classes); regression (rows, 1). Scores
    must be finite.

    >>> from tidegate.contract import Target
    >>> c = Contract("m", "regression", (), Target("price"))
    >>> shown(c, np.array([[0.1]], dtype=np.float32)).tolist()
    [[0.1]]
    """
    if contract.task == "regression":
        # Imported here: what trains takes `labels` and `tracked` only, and has no orjson.
        import orjson

        values = np.ascontiguousarray(scores[:, 0])
        texts = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)  # ten times `str`'s speed
        return np.array(orjson.loads(texts), dtype=np.float64)[:, None]
    told = scores[:, 1:] if contract.task == "binary" else scores
    rounded: npt.NDArray[np.float64] = told.astype(np.float64).round(6)
    return rounded + 0.0  # -0.0 is told as 0.0
