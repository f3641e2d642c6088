"""The holdout: rows that the user's code never sees.

`latest` keeps back the last days of the time column; `random` draws by a hash of the row itself, so
a row stays on its side when data are added, and copies of a row stay together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tidegate.errors import DataError
from tidegate.project import Holdout
from tidegate.scoring.session import Matrix
from tidegate.training.table import Array, Table

MIN_TRAIN = 20
MIN_HOLDOUT = 10
_MILLISECONDS_A_DAY = 86_400_000


def holdout_mask(
    table: Table, matrix: Matrix, *, policy: Holdout, seed: int
) -> npt.NDArray[np.bool_]:
    """Return which rows are kept back; raise `DataError` when either side has too few."""
    if policy.kind == "latest":
        mask = _latest(table.time, policy.days)
        rule = f"the last {policy.days:g} day(s)"
    else:
        mask = _random(table, matrix, fraction=policy.fraction, seed=seed)
        rule = f"a share of {policy.fraction:g}"
    kept, left = int(mask.sum()), int((~mask).sum())
    if kept < MIN_HOLDOUT or left < MIN_TRAIN:
        raise DataError(
            f"[holdout] {rule} keeps back {kept} rows and leaves {left} to train on;"
            f" at least {MIN_HOLDOUT} and {MIN_TRAIN} are needed"
        )
    return mask


def _latest(time: Array | None, days: float) -> npt.NDArray[np.bool_]:
    if time is None:
        raise DataError('[holdout] kind "latest" needs a time column')
    cut = time.max() - np.timedelta64(round(days * _MILLISECONDS_A_DAY), "ms")
    return np.asarray(time > cut)


def _random(table: Table, matrix: Matrix, *, fraction: float, seed: int) -> npt.NDArray[np.bool_]:
    frame = pd.DataFrame(matrix)
    frame["target"] = table.target
    # The key is 16 characters by the interface of pandas; the seed fills it.
    hashes = pd.util.hash_pandas_object(frame, index=False, hash_key=f"{seed:016d}"[-16:])
    return np.asarray(hashes.to_numpy(dtype=np.uint64) < np.uint64(fraction * float(2**64 - 1)))
