"""The pandas frame that user code sees, made from the very matrix that serving makes.

Numbers are float64 holding what float32 can hold (the exported model sees float32, so a split
learnt between two such numbers can't fall elsewhere), null as NaN; booleans are bool, or float with
NaN where null is allowed; categories are `category` with the contract's levels.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tidegate.contract import Column, Contract
from tidegate.scoring.session import Matrix
from tidegate.training.table import Array


def feature_frame(matrix: Matrix, contract: Contract) -> pd.DataFrame:
    """Return the features as user code sees them; one row per row of `matrix` (rows, features)."""
    columns = {c.name: _values(matrix[:, j], c) for j, c in enumerate(contract.columns)}
    return pd.DataFrame(columns)


def training_frame(
    matrix: Matrix, contract: Contract, *, target: Array, time: Array | None
) -> pd.DataFrame:
    """Return features, target (class names, or float64) and time (UTC), if the contract has one."""
    frame = feature_frame(matrix, contract)
    frame[contract.target.column] = target
    if time is not None:
        frame[contract.time_column] = pd.to_datetime(time).tz_localize("UTC")
    return frame


def _values(values: Array, column: Column) -> Array | pd.Categorical:
    if column.type == "category":
        # dtype object: encoders of scikit-learn then store the categories as plain text.
        levels = pd.Index(column.levels, dtype=object)
        return pd.Categorical.from_codes(values.astype(np.int64), categories=levels)
    if column.type == "boolean" and not column.nullable:
        return values.astype(np.bool_)
    return values.astype(np.float64)
