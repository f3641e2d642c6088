"""One column's coder: a value to what the model sees, or the rule that it breaks.

`one` is the rule itself; `many` is a fast path for a list, and gives up (None) whenever a value
could be refused, so the two can't disagree about what is accepted. No rule repeats the value: it
may be personal, and answers are logged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tidegate.contract import FLOAT32_MAX, INTEGER_MAX, MISSING, UNKNOWN, Column

Values = npt.NDArray[np.float64]
NULL_RULE = "must not be null"


class Coder(Protocol):
    """How one column is encoded."""

    def one(self, value: object) -> float | str:
        """Return the code of a JSON value, or the rule that it breaks."""
        ...

    def many(self, values: Sequence[Any]) -> Values | None:
        """Return the codes of JSON values, or None when `one` has to look at each."""
        ...

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Return the codes of an array, which of them are refused, and the rule."""
        ...


def coder(column: Column) -> Coder:
    """Return the coder of a column."""
    if column.type == "category":
        return CategoryCoder(column)
    return BooleanCoder(column.nullable) if column.type == "boolean" else NumberCoder(column)


@dataclass(frozen=True)
class NumberCoder:
    """Float and integer columns; null is NaN. 3.0 is no integer, true and "1" are no numbers."""

    column: Column
    low: float = field(init=False)
    high: float = field(init=False)
    types: frozenset[type] = field(init=False)
    rule: str = field(init=False)

    def __post_init__(self) -> None:
        """Work out the bounds: those of the contract within what float32 holds."""
        whole = self.column.type == "integer"
        limit = INTEGER_MAX if whole else FLOAT32_MAX
        low, high = self.column.minimum, self.column.maximum
        noun = "a whole number" if whole else "a finite number"
        derived = {
            "low": -limit if low is None else low,
            "high": limit if high is None else high,
            "types": frozenset({int} if whole else {int, float}),
            "rule": f"must be {noun}{_interval(low, high, limit)}",
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def one(self, value: object) -> float | str:
        """Return the number, NaN for null, or the rule."""
        if value is None:
            return math.nan if self.column.nullable else NULL_RULE
        if type(value) not in self.types:
            return self.rule
        # A comparison of a huge int with a float is exact, and NaN fails it.
        return float(value) if self.low <= value <= self.high else self.rule  # type: ignore[operator,arg-type]

    def many(self, values: Sequence[Any]) -> Values | None:
        """Return the numbers when all are plain and within bounds."""
        kinds = set(map(type, values))
        nulls = type(None) in kinds
        if not kinds - {type(None)} <= self.types or (nulls and not self.column.nullable):
            return None
        if nulls:
            present = np.array([value is not None for value in values])
            values = [0.0 if value is None else value for value in values]
        try:
            found = np.array(values, dtype=np.float64)
        except OverflowError:
            return None
        if nulls:
            inside = (found >= self.low) & (found <= self.high) | ~present
            found[~present] = np.nan
        else:
            inside = (found >= self.low) & (found <= self.high)
        return found if inside.all() else None

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Take int and float arrays; NaN is null."""
        if values.dtype.kind not in "iuf":
            return _refuse_all(values, f"must be an array of numbers, not {values.dtype}")
        found = values.astype(np.float64)
        null = np.isnan(found)
        wrong = ~null & ~((found >= self.low) & (found <= self.high))
        if self.column.type == "integer":
            wrong |= ~null & (found != np.trunc(found))
        if self.column.nullable:
            return found, wrong, self.rule
        rule = self.rule if wrong.any() else NULL_RULE
        return found, wrong | null, rule


@dataclass(frozen=True)
class BooleanCoder:
    """Boolean columns as 0 and 1; null is NaN."""

    nullable: bool

    def one(self, value: object) -> float | str:
        """Return 0, 1, NaN for null, or the rule."""
        if value is None:
            return math.nan if self.nullable else NULL_RULE
        return float(value) if isinstance(value, bool) else "must be true or false"

    def many(self, values: Sequence[Any]) -> Values | None:
        """Return the codes when all are booleans, or null where that is allowed."""
        kinds = set(map(type, values))
        if kinds <= ({bool, type(None)} if self.nullable else {bool}):
            return np.array(values, dtype=np.float64)  # numpy reads None as NaN
        return None

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Take boolean arrays, and numbers that are 0, 1 or NaN."""
        if values.dtype.kind not in "biuf":
            return _refuse_all(values, f"must be an array of booleans, not {values.dtype}")
        found = values.astype(np.float64)
        null = np.isnan(found)
        wrong = ~null & (found != 0) & (found != 1)
        if self.nullable:
            return found, wrong, "must be 0, 1 or NaN"
        return found, wrong | null, "must be 0 or 1"


class _Codes(dict[str | None, float]):
    """Category -> code; anything else has the code of the unknown."""

    def __init__(self, codes: dict[str | None, float], unknown: float) -> None:
        super().__init__(codes)
        self.unknown = unknown

    def __missing__(self, key: object) -> float:
        return self.unknown


class CategoryCoder:
    """Category columns as codes, in the order of `Column.levels`."""

    def __init__(self, column: Column) -> None:
        """Give numbers to the categories, then to null, then to the unknown."""
        codes: dict[str | None, float] = {
            name: float(i) for i, name in enumerate(column.categories)
        }
        if column.nullable:
            codes[None] = float(len(column.categories))
        self._types = frozenset({str, type(None)} if column.nullable else {str})
        self._maps = column.unknown == "map"
        unknown = float(len(codes)) if self._maps else math.nan
        self._codes = _Codes(codes, unknown)
        self._rule = _category_rule(column.categories)

    def one(self, value: object) -> float | str:
        """Return the code or the rule."""
        if value is None and None not in self._codes:
            return NULL_RULE
        if value is not None and type(value) is not str:
            return "must be text"
        code = self._codes[value]
        return code if code == code else self._rule  # noqa: PLR0124 - NaN marks the unknown

    def many(self, values: Sequence[Any]) -> Values | None:
        """Return the codes when every value has one."""
        if not set(map(type, values)) <= self._types:
            return None
        found = np.array(list(map(self._codes.__getitem__, values)), dtype=np.float64)
        return found if self._maps or not np.isnan(found).any() else None

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Take text arrays; '' and the pseudo-category of null are null."""
        if values.dtype.kind != "U":
            return _refuse_all(values, f"must be an array of text, not {values.dtype}")
        names, inverse = np.unique(values, return_inverse=True)
        code = np.array([self._array_code(str(name)) for name in names], dtype=np.float64)
        found = code[inverse.reshape(values.shape)]
        rule = self._rule if None in self._codes else f"{self._rule} and {NULL_RULE}"
        return found, np.isnan(found), rule

    def _array_code(self, name: str) -> float:
        if name in ("", MISSING):
            return self._codes.get(None, math.nan)
        return self._codes.unknown if name == UNKNOWN else self._codes[name]


def _refuse_all(values: npt.NDArray[Any], rule: str) -> tuple[Values, npt.NDArray[np.bool_], str]:
    return np.zeros(values.shape), np.ones(values.shape, dtype=np.bool_), rule


def _category_rule(categories: tuple[str, ...]) -> str:
    if len(categories) > 12:
        return f"must be one of the {len(categories)} categories of the contract"
    return f"must be one of {', '.join(categories)}"


def _interval(low: float | None, high: float | None, limit: float) -> str:
    if low is not None and high is not None:
        return f" between {low:.12g} and {high:.12g}"
    if low is not None:
        return f" of at least {low:.12g}"
    if high is not None:
        return f" of at most {high:.12g}"
    return f" between {-limit:.8g} and {limit:.8g}"
