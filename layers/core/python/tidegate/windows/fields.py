"""Strict reading of a JSON object: the right type under every key, or an error naming it."""

from __future__ import annotations

import math
import re
from collections.abc import Set
from datetime import datetime
from typing import Any

from tidegate.clock import parse_stamp
from tidegate.contract import LONGEST_CLASS
from tidegate.errors import CorruptRecordError
from tidegate.settings import is_model_name

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
LONGEST_TEXT = LONGEST_CLASS  # characters; a label is a class
YEARS = range(1970, 9000)  # of four digits, and a time to live can be added to every moment
_LARGEST = 2**53  # beyond it JSON readers disagree about integers


def is_identifier(text: str) -> bool:
    """Tell whether `text` may be part of a key.

    >>> is_identifier("r-20261122T220000-ab12"), is_identifier("a#b")
    (True, False)
    """
    return _IDENTIFIER.fullmatch(text) is not None


class Fields:
    """One object whose keys are known; every method raises `CorruptRecordError` on another type."""

    def __init__(self, raw: object, *, what: str, keys: Set[str]) -> None:
        """Refuse anything but an object with exactly these keys."""
        self.what = what
        if not isinstance(raw, dict):
            raise self.wrong("", "must be a JSON object")
        for key in sorted(keys - raw.keys()) + sorted(raw.keys() - keys):
            raise self.wrong(key, "is missing" if key in keys else "is no field of it")
        self._raw: dict[str, Any] = raw

    def wrong(self, key: str, rule: str) -> CorruptRecordError:
        """Return the error that names a key and its rule."""
        return CorruptRecordError(": ".join(part for part in (self.what, key[:100], rule) if part))

    def text(self, key: str) -> str:
        """Return text of 1 to `LONGEST_TEXT` characters."""
        found = self._raw[key]
        if not isinstance(found, str) or not 0 < len(found) <= LONGEST_TEXT:
            raise self.wrong(key, f"must be text of 1 to {LONGEST_TEXT} characters")
        return found

    def identifier(self, key: str) -> str:
        """Return text that may be part of a key."""
        found = self.text(key)
        if not is_identifier(found):
            raise self.wrong(key, "must be letters, digits, '.', '_' and '-'")
        return found

    def identifier_or_none(self, key: str) -> str:
        """Return text that may be part of a key, or no text."""
        return "" if self._raw[key] == "" else self.identifier(key)

    def model(self, key: str) -> str:
        """Return a model's name."""
        found = self.text(key)
        if not is_model_name(found):
            raise self.wrong(key, "must be a model's name")
        return found

    def moment(self, key: str) -> datetime:
        """Return a timestamp of `YEARS`."""
        try:
            moment = parse_stamp(self.text(key))
            if moment.year in YEARS:
                return moment
        except (ValueError, OverflowError):
            pass
        raise self.wrong(key, "must be a timestamp such as 2026-11-20T10:00:00.000Z")

    def integer(self, key: str, *, low: int = 0) -> int:
        """Return an integer from `low` to 2^53."""
        return self._count(key, self._raw[key], low=low)

    def integers(self, key: str) -> list[int]:
        """Return a list of integers >= 0."""
        return self._counts(key, self._raw[key])

    def lists(self, key: str) -> dict[str, list[int]]:
        """Return an object of lists of integers >= 0."""
        return {name: self._counts(f"{key}.{name}", v) for name, v in self._object(key).items()}

    def totals(self, key: str) -> dict[str, int]:
        """Return an object of integers >= 0."""
        return {name: self._count(f"{key}.{name}", v) for name, v in self._object(key).items()}

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of finite numbers."""
        found = self._raw[key]
        if not isinstance(found, list) or not all(map(_is_finite, found)):
            raise self.wrong(key, "must be a list of finite numbers")
        return tuple(float(part) for part in found)

    def four_numbers(self, key: str) -> tuple[float, float, float, float]:
        """Return exactly four finite numbers."""
        found = self.numbers(key)
        if len(found) != 4:
            raise self.wrong(key, "must hold four numbers")
        return found[0], found[1], found[2], found[3]

    def _object(self, key: str) -> dict[str, Any]:
        found = self._raw[key]
        if not isinstance(found, dict):
            raise self.wrong(key, "must be an object")
        return found

    def _counts(self, key: str, found: object) -> list[int]:
        if not isinstance(found, list):
            raise self.wrong(key, "must be a list of integers")
        return [self._count(key, part) for part in found]

    def _count(self, key: str, found: object, *, low: int = 0) -> int:
        if type(found) is not int or not low <= found <= _LARGEST:
            raise self.wrong(key, f"must be an integer from {low} to 2^53")
        return found


def _is_finite(value: object) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) <= _LARGEST
