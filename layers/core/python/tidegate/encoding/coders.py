"""One column's coder: a value to what the model sees, or the rule that it breaks.

`one` is the rule itself; `many` is a fast path for a list, and gives up (None) whenever a value
could be refused, so the two can't disagree about what is accepted. No rule repeats the value: it
may be personal, and answers are logged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.contract import FLOAT32_LIMIT, FLOAT32_MAX, INTEGER_MAX, MISSING, UNKNOWN, Column
from tidegate.encoding.port import Coder, Domain, Values

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt

NULL_RULE = "must not be null"
LISTED = 256  # categories of a column that a reader may make objects of; 20 µs each, once


def coder(column: Column) -> Coder:
    """Return the coder of a column."""
    if column.type == "category":
        return CategoryCoder(column)
    return (
        BooleanCoder(nullable=column.nullable) if column.type == "boolean" else NumberCoder(column)
    )


class NumberCoder:
    """Float and integer columns; null is NaN. 3.0 is no integer, true and "1" are no numbers."""

    def __init__(self, column: Column) -> None:
        """Work out the bounds: those of the contract within what float32 holds."""
        whole = column.type == "integer"
        limit = INTEGER_MAX if whole else FLOAT32_LIMIT
        low, high = column.minimum, column.maximum
        self.domain = Domain(
            low=-limit if low is None else low,
            high=limit if high is None else high,
            kinds=_kinds({int} if whole else {int, float}, nullable=column.nullable),
            array_kinds="iu" if whole else "iuf",
            loose=not whole,
        )
        self._whole, self._nullable = whole, column.nullable
        noun = "a whole number" if whole else "a finite number"
        self._rule = f"must be {noun}{_interval(low, high, INTEGER_MAX if whole else FLOAT32_MAX)}"

    def one(self, value: object) -> float | str:
        """Return the number, NaN for null, or the rule."""
        if value is None:
            return math.nan if self._nullable else NULL_RULE
        if type(value) not in self.domain.kinds:
            return self._rule
        # A comparison of a huge int with a float is exact, and NaN fails it.
        inside = self.domain.low <= value <= self.domain.high  # type: ignore[operator]
        return float(value) if inside else self._rule  # type: ignore[arg-type]

    def many(self, values: Sequence[Any]) -> Sequence[float | None] | None:
        """Return the values when their types are right; those of floats are left to the caller."""
        domain = self.domain
        return values if domain.loose or set(map(type, values)) <= domain.kinds else None

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Take int and float arrays; NaN is null."""
        if values.dtype.kind not in "iuf":
            return _refuse_all(values, f"must be an array of numbers, not {values.dtype}")
        found = values.astype(np.float64)
        null = np.isnan(found)
        wrong = ~null & ~((found >= self.domain.low) & (found <= self.domain.high))
        if self._whole:
            wrong |= ~null & (found != np.trunc(found))
        if self._nullable:
            return found, wrong, self._rule
        rule = self._rule if wrong.any() else NULL_RULE
        return found, wrong | null, rule


class BooleanCoder:
    """Boolean columns as 0 and 1; null is NaN."""

    def __init__(self, *, nullable: bool) -> None:
        """Take null or not."""
        self._nullable = nullable
        kinds = _kinds({bool}, nullable=nullable)
        self.domain = Domain(low=0.0, high=1.0, kinds=kinds, array_kinds="b")

    def one(self, value: object) -> float | str:
        """Return 0, 1, NaN for null, or the rule."""
        if value is None:
            return math.nan if self._nullable else NULL_RULE
        return float(value) if isinstance(value, bool) else "must be true or false"

    def many(self, values: Sequence[Any]) -> Sequence[float | None] | None:
        """Return the values when all are booleans, or null where that is allowed."""
        return values if set(map(type, values)) <= self.domain.kinds else None

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Take boolean arrays, and numbers that are 0, 1 or NaN."""
        if values.dtype.kind not in "biuf":
            return _refuse_all(values, f"must be an array of booleans, not {values.dtype}")
        found = values.astype(np.float64)
        null = np.isnan(found)
        wrong = ~null & (found != 0) & (found != 1)
        if self._nullable:
            return found, wrong, "must be 0, 1 or NaN"
        return found, wrong | null, "must be 0 or 1"


class _MappedCodes(dict[str | None, float]):
    """Category -> code, where every other text has the code of the unknown."""

    def __init__(self, codes: dict[str | None, float], unknown: float) -> None:
        super().__init__(codes)
        self._unknown = unknown

    def __missing__(self, key: object) -> float:
        if type(key) is not str:
            raise KeyError
        return self._unknown


class CategoryCoder:
    """Category columns as codes, in the order of `Column.levels`."""

    def __init__(self, column: Column) -> None:
        """Give numbers to the categories, then to null, then to the unknown."""
        codes: dict[str | None, float] = {
            name: float(i) for i, name in enumerate(column.categories)
        }
        if column.nullable:
            codes[None] = float(len(column.categories))
        self.domain = Domain(low=0.0, high=math.inf, kinds=_kinds({str}, nullable=column.nullable))
        self.unknown = float(len(codes)) if column.unknown == "map" else None
        self.codes = codes if self.unknown is None else _MappedCodes(codes, self.unknown)
        self.is_listed = len(column.categories) <= LISTED
        self._rule = _category_rule(column.categories)

    def one(self, value: object) -> float | str:
        """Return the code or the rule."""
        if value is None and None not in self.codes:
            return NULL_RULE
        if value is not None and type(value) is not str:
            return "must be text"
        try:
            return self.codes[value]
        except KeyError:
            return self._rule

    def many(self, values: Sequence[Any]) -> Sequence[float | None] | None:
        """Return the codes when every value has one."""
        try:
            # Two thirds of the time of `map(self.codes.__getitem__, values)`.
            return itemgetter(*values)(self.codes) if len(values) > 1 else [self.codes[values[0]]]
        except (KeyError, TypeError):  # a list or an object can't be looked up
            return None

    def array(self, values: npt.NDArray[Any]) -> tuple[Values, npt.NDArray[np.bool_], str]:
        """Take text arrays; '' and the pseudo-category of null are null."""
        if values.dtype.kind != "U":
            return _refuse_all(values, f"must be an array of text, not {values.dtype}")
        names, inverse = np.unique(values, return_inverse=True)
        code = np.array([self._array_code(str(name)) for name in names], dtype=np.float64)
        found = code[inverse.reshape(values.shape)]
        rule = self._rule if None in self.codes else f"{self._rule} and {NULL_RULE}"
        return found, np.isnan(found), rule

    def _array_code(self, name: str) -> float:
        if name in ("", MISSING):
            return self.codes.get(None, math.nan)
        if name == UNKNOWN:
            return math.nan if self.unknown is None else self.unknown
        try:
            return self.codes[name]
        except KeyError:
            return math.nan


def _kinds(types: set[type], *, nullable: bool) -> frozenset[type]:
    return frozenset(types | {NoneType} if nullable else types)


def _refuse_all(values: npt.NDArray[Any], rule: str) -> tuple[Values, npt.NDArray[np.bool_], str]:
    return np.zeros(values.shape), np.ones(values.shape, dtype=np.bool_), rule


def _category_rule(categories: tuple[str, ...]) -> str:
    if len(categories) > 12:
        return f"must be one of the {len(categories)} categories of the contract"
    return f"must be one of {', '.join(categories)}"


def _interval(low: float | None, high: float | None, limit: float) -> str:
    if low is not None and high is not None:
        return f" between {_exact(low)} and {_exact(high)}"
    if low is not None:
        return f" of at least {_exact(low)}"
    if high is not None:
        return f" of at most {_exact(high)}"
    return f" between {-limit:.8g} and {limit:.8g}"


def _exact(bound: float) -> str:
    """Return a number that can be sent back: no digit is left out that makes another of it.

    >>> _exact(5.0), _exact(0.1), _exact(0.12345678901234567)
    ('5', '0.1', '0.12345678901234568')
    """
    short = f"{bound:.12g}"
    return short if float(short) == bound else repr(bound)
