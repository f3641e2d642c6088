"""Parity: the exported model must answer as the native one, row by row.

A row is over when its answers differ by more than 1e-4 (regression: of the native answers' standard
deviation, or of 1 % of their size where that is more). float32 can put a row on the other side of a
split that lies next to it, so 1 row in 1,000 may be over, and 1 in 1,000 may get another label.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidegate.contract import FLOAT32_MAX, Contract
from tidegate.errors import ParityError
from tidegate.stats.arrays import Floats
from tidegate.stats.metrics import choose
from tidegate.training.report import Parity

TOLERANCE = 1e-4
MAX_SHARE = 0.001

Scores = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def compare(contract: Contract, native: Scores, exported: Scores) -> Parity:
    """Return how `exported` (rows, outputs) differs from `native` (rows, outputs)."""
    if native.shape != exported.shape:
        raise ParityError(f"the exported model answers {exported.shape}, the native {native.shape}")
    expected, found = native.astype(np.float64), exported.astype(np.float64)
    unit = 1.0
    if contract.task == "regression":
        unit = max(float(expected.std()), 0.01 * float(np.abs(expected).max()), 1e-12)
    difference = np.abs(found - expected).max(axis=1) / unit
    difference = np.where(np.isfinite(difference), difference, np.inf)
    return Parity(
        rows=len(expected),
        max_difference=min(float(difference.max()), FLOAT32_MAX),
        rows_over=int((difference > TOLERANCE).sum()),
        label_flips=_flips(contract, expected, found),
        tolerance=TOLERANCE,
    )


def refuse(parity: Parity, name: str) -> None:
    """Raise `ParityError` with the numbers when too many rows differ."""
    allowed = int(parity.rows * MAX_SHARE)
    if parity.rows_over <= allowed and parity.label_flips <= allowed:
        return
    raise ParityError(
        f"the exported model of {name} answers differently: {parity.rows_over} of {parity.rows}"
        f" rows differ by more than {parity.tolerance:g} (at most {parity.max_difference:.3g}), and"
        f" {parity.label_flips} get another label; {allowed} rows are allowed. Don't scale before"
        " trees, give XGBoost no sparse columns, or return an ONNX model of your own"
    )


def _flips(contract: Contract, expected: Floats, found: Floats) -> int:
    if contract.task == "regression":
        return 0
    task, threshold = contract.task, contract.threshold
    before = choose(task, expected, threshold=threshold)
    after = choose(task, np.nan_to_num(found), threshold=threshold)
    return int((before != after).sum())
