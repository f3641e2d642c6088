"""Metrics of regressions against the truth.

Arguments are vectors of one length; every function raises `ValueError` on empty, unequal or
non-finite input.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidegate.stats.arrays import Floats, finite_vector, same_length


def rmse(y: npt.ArrayLike, value: npt.ArrayLike) -> float:
    """Return the root mean squared error, in the unit of `y`.

    `y`, `value` (rows,). Source: definition.

    >>> rmse([0.0, 0.0], [3.0, 3.0])
    3.0
    """
    return float(np.sqrt(np.square(_residuals(y, value)).mean()))


def mae(y: npt.ArrayLike, value: npt.ArrayLike) -> float:
    """Return the mean absolute error, in the unit of `y`.

    `y`, `value` (rows,). Source: definition.

    >>> mae([0.0, 0.0], [3.0, -1.0])
    2.0
    """
    return float(np.abs(_residuals(y, value)).mean())


def r2(y: npt.ArrayLike, value: npt.ArrayLike) -> float:
    """Return the share of the variance of `y` that is explained; 1 is perfect, no lower bound.

    `y`, `value` (rows,); `ValueError` when `y` is constant.
    Source: Wright 1921, J. Agric. Res. 20(7), coefficient of determination.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    truth = finite_vector(y, name="y")
    spread = np.square(truth - truth.mean()).sum()
    if truth.min() == truth.max() or spread == 0.0:
        raise ValueError("r2 needs a y that is not constant")
    return float(1.0 - np.square(_residuals(y, value)).sum() / spread)


def _residuals(y: npt.ArrayLike, value: npt.ArrayLike) -> Floats:
    truth, guess = finite_vector(y, name="y"), finite_vector(value, name="value")
    same_length(truth, guess)
    return truth - guess
