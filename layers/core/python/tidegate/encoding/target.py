"""The target column as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.contract import Contract, Target
from tidegate.errors import DataError


def encode_target(contract: Contract, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return class indices (int64) or values (float64); raise `DataError` naming the column.

    >>> c = Contract("m", "binary", (), Target("late", ("no", "yes")))
    >>> encode_target(c, np.array(["yes", "no"]))
    array([1, 0])
    """
    column = contract.target.column
    if values.ndim != 1 or not len(values):
        raise DataError(f"target {column!r}: one value per row is expected, shape {values.shape}")
    if contract.task == "regression":
        return _numbers(contract.target, values)
    if values.dtype.kind != "U":
        raise DataError(f"target {column!r}: class names as text are expected, not {values.dtype}")
    names, inverse = np.unique(values, return_inverse=True)
    known = {name: i for i, name in enumerate(contract.target.classes)}
    codes = np.array([known.get(str(name), -1) for name in names], dtype=np.int64)
    found = codes[inverse]
    expected = f"one of {', '.join(contract.target.classes[:12])}"
    _check(column, found >= 0, expected)
    return found


def _numbers(target: Target, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.dtype.kind not in "iuf":
        raise DataError(f"target {target.column!r}: numbers are expected, not {values.dtype}")
    found = values.astype(np.float64)
    low = -np.inf if target.minimum is None else target.minimum
    high = np.inf if target.maximum is None else target.maximum
    _check(target.column, np.isfinite(found), "a finite number")
    _check(target.column, (found >= low) & (found <= high), f"a number from {low:g} to {high:g}")
    return found


def _check(column: str, good: npt.NDArray[np.bool_], expected: str) -> None:
    wrong = np.flatnonzero(~good)
    if len(wrong):
        raise DataError(
            f"target {column!r}: {expected} is expected; {len(wrong)} of {len(good)} rows are not, "
            f"the first is row {wrong[0]}"
        )
