"""pandas in and out: a frame's columns as JSON values, and predictions as a frame.

Values stay what they are. One thing is undone: pandas turns whole numbers into floats when one of
them is missing, so a column of floats with nulls in which all are whole is sent as whole numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

from tidegate.errors import InvalidRowsError, Problem

if TYPE_CHECKING:
    import pandas as pd

LARGEST_WHOLE = 2.0**53  # up to which a float misses no whole number


def is_frame(found: object) -> TypeGuard[pd.DataFrame]:
    """Tell whether this is a pandas frame or a kind of it, without importing pandas."""
    names = ((kind.__module__.partition(".")[0], kind.__name__) for kind in type(found).__mro__)
    return ("pandas", "DataFrame") in names


def columns_of(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Return a frame's columns as lists of JSON values; NaN, NaT and NA are null.

    Raises `TypeError` on columns without a JSON form and on names that stand twice,
    `InvalidRowsError` on infinite numbers.
    """
    names = [str(name) for name in frame.columns]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"columns stand twice: {', '.join(sorted(twice))}")
    return {name: _values(name, frame.iloc[:, i]) for i, name in enumerate(names)}


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return predictions as a frame; the scores of many classes are columns `score_CLASS`."""
    import pandas as pd

    return pd.DataFrame.from_records([flat(row) for row in rows])


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without objects in it.

    >>> flat({"label": "fog", "scores": {"tide": 0.25, "fog": 0.75}, "version": 3})
    {'label': 'fog', 'score_tide': 0.25, 'score_fog': 0.75, 'version': 3}
    """
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name == "scores":
            found |= {f"score_{of}": score for of, score in value.items()}
        else:
            found[name] = value
    return found


def matched(labels: Any, index: pd.Index) -> Any:  # noqa: ANN401 - a Series, a list, an array
    """Return labels in the order of an index: a Series by its own, anything else as it stands.

    Raises `ValueError` when none of a Series has its place there.
    """
    import pandas as pd

    if not isinstance(labels, pd.Series) or labels.index.equals(index):
        return labels
    if len(labels) and len(index) and not labels.index.isin(index).any():
        raise ValueError(f"none of {len(labels)} labels has an index of the answers")
    return labels.reindex(index)


def _values(name: str, column: pd.Series[Any]) -> list[object]:
    import numpy as np
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(column.dtype) or kinds.is_timedelta64_dtype(column.dtype):
        raise TypeError(f"column {name} is {column.dtype}: a contract knows no such type")
    # As objects: a column of Float64 may hold NaN beside NA, and calls it no null.
    null, values = column.astype(object).isna().to_numpy(), column.tolist()
    if null.any():
        values = [None if n else v for v, n in zip(values, null, strict=True)]
    floats = (float, np.floating)
    infinite = [i for i, v in enumerate(values) if isinstance(v, floats) and math.isinf(v)]
    if infinite:
        raise InvalidRowsError([Problem(i, name, "must be finite") for i in infinite])
    return _whole(values) if null.any() and kinds.is_float_dtype(column.dtype) else values


def _whole(values: list[float | None]) -> list[Any]:
    known = [value for value in values if value is not None]
    if all(value.is_integer() and abs(value) <= LARGEST_WHOLE for value in known):
        return [None if value is None else int(value) for value in values]
    return values
