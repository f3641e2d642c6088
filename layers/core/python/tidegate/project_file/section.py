"""One table of a TOML file, read key by key: every answer is of the type asked for.

A fault is noted with its dotted key and reading goes on with a stand-in, so that one pass finds all
faults. The keys asked for are the keys that exist: `done` reports every other one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any

from tidegate.errors import ProjectError
from tidegate.project import Param

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both included unless `above`, which leaves out the lower one."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether `value` lies within."""
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        """Say it in words that follow "a number"."""
        low = f"above {self.low:g}" if self.above else f"of at least {self.low:.12g}"
        if self.low == -math.inf:
            return "" if self.high == math.inf else f"of at most {self.high:.12g}"
        if self.high == math.inf:
            return low
        if self.above:
            return f"{low} and at most {self.high:.12g}"
        return f"between {self.low:.12g} and {self.high:.12g}"


ANY = Range()


@dataclass
class Section:
    """A table at the dotted `path` of `file`; faults are added to `problems`."""

    raw: dict[str, Any]
    file: str
    path: str
    problems: list[ProjectError]
    asked: list[str] = field(default_factory=list)

    def fault(self, key: str, expected: str) -> None:
        """Note that `key` (empty: the table itself) is wrong."""
        self.problems.append(ProjectError(self.file, self._dotted(key), expected))

    def has(self, key: str) -> bool:
        """Tell whether the file gives the key."""
        return key in self.raw

    def text(self, key: str, default: str | None = None) -> str:
        """Return non-empty text; without `default` the key must be there."""
        value = self._take(key, required=default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str) or not value.strip():
            self.fault(key, f"text is expected, not {show(value)}")
            return default or ""
        if not value.isprintable():
            self.fault(key, "one line of printable text is expected")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return one of `choices`; without `default` the key must be there."""
        value = self._take(key, required=default is None)
        stand_in = choices[0] if default is None else default
        if value is None:
            return stand_in
        if isinstance(value, str) and value in choices:
            return value
        listed = " | ".join(choices)
        self.fault(key, f"{listed} is expected, not {show(value)}{_hint(value, choices)}")
        return stand_in

    def flag(self, key: str, default: bool) -> bool:  # noqa: FBT001 - the default of a flag
        """Return true or false."""
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.fault(key, f"true or false is expected, not {show(value)}")
        return default

    def integer(self, key: str, default: int, within: Range = ANY) -> int:
        """Return a whole number; true, 3.0 and "3" are none."""
        value = self._take(key)
        if value is None:
            return default
        if type(value) is not int or not within.holds(value):
            self.fault(key, f"{_phrase('a whole number', within)} is expected, not {show(value)}")
            return default
        return value

    def number(self, key: str, default: float, within: Range = ANY) -> float:
        """Return a finite number."""
        value = self.optional_number(key, within)
        return default if value is None else value

    def optional_number(self, key: str, within: Range = ANY) -> float | None:
        """Return a finite number, or None when the file does not give it."""
        value = self._take(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not _finite(value) or not within.holds(value):
            self.fault(key, f"{_phrase('a number', within)} is expected, not {show(value)}")
            return None
        return float(value)

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of distinct, non-empty texts."""
        value = self._take(key, required=required)
        if value is None:
            return ()
        if not isinstance(value, list) or not value:
            self.fault(key, f"a list of texts is expected, not {show(value)}")
            return ()
        for i, item in enumerate(value):
            wrong = _text_fault(item) or ("stands twice" if item in value[:i] else "")
            if wrong:
                self.fault(key, f"item {i + 1}, {show(item)}: {wrong}")
                return ()
        return tuple(value)

    def integers(self, key: str, default: tuple[int, ...], within: Range) -> tuple[int, ...]:
        """Return a list of whole numbers."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, list) and value:
            whole = all(type(item) is int and within.holds(item) for item in value)
            if whole:
                return tuple(value)
        self.fault(key, f"a list of whole numbers {within} is expected, not {show(value)}")
        return default

    def scalars(self, key: str) -> dict[str, Param]:
        """Return a table of plain values, as they are."""
        section = self.section(key)
        section.asked.extend(section.raw)
        for name, value in section.raw.items():
            if not isinstance(value, str | int | float) or not _finite(value):
                section.fault(name, "text, a finite number, true or false is expected")
        return dict(section.raw)

    def section(self, key: str, *, required: bool = False) -> Section:
        """Return the table under a key; an absent one reads as empty."""
        value = self._take(key, required=required, what="table")
        if isinstance(value, dict):
            return Section(value, self.file, self._dotted(key), self.problems)
        if value is not None:
            self.fault(key, f"a table is expected, not {show(value)}")
        # The absence is one fault; what an absent table lacks is not reported again.
        return Section({}, self.file, self._dotted(key), [] if required else self.problems)

    def sections(self, key: str) -> Iterator[Section]:
        """Yield the tables of an array of tables; the path counts from 1."""
        value = self._take(key)
        if value is None:
            return
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.fault(key, f"[[{key}]] tables are expected, not {show(value)}")
            return
        for i, item in enumerate(value):
            yield Section(item, self.file, f"{self._dotted(key)}[{i + 1}]", self.problems)

    def done(self) -> None:
        """Report every key that nobody asked for."""
        for key in self.raw:
            if key not in self.asked:
                hint = _hint(key, self.asked) or f" (known: {', '.join(self.asked)})"
                self.fault(key, f"unknown key{hint}")

    def _take(self, key: str, *, required: bool = False, what: str = "key") -> Any:  # noqa: ANN401 - whatever the file holds
        self.asked.append(key)
        if required and key not in self.raw:
            self.fault(key, f"this {what} is missing")
        return self.raw.get(key)

    def _dotted(self, key: str) -> str:
        quoted = key if not key or _BARE_KEY.fullmatch(key) else f'"{key}"'
        return f"{self.path}.{quoted}" if self.path and key else self.path or quoted


def show(value: object) -> str:
    """Say briefly what stands in the file, in TOML's words.

    >>> show(True), show([1, 2]), show("x")
    ('true', 'a list of 2', "'x'")
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, datetime | date | time):
        return f"the date or time {value}"
    if isinstance(value, int) and abs(value) > 10**18:
        return "so large a number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text_fault(item: object) -> str:
    if not isinstance(item, str):
        return 'text is expected; write it in quotes, as in "0"'
    if not item.strip():
        return "it is empty"
    return "" if item.isprintable() and item == item.strip() else "has control or outer spaces"


def _finite(value: object) -> bool:
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:  # an int beyond float64
        return False


def _phrase(noun: str, within: Range) -> str:
    return f"{noun} {within}".rstrip()


def _hint(value: object, known: Sequence[str]) -> str:
    near = get_close_matches(value, known, n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""
