"""Patterns: the filter patterns of CloudWatch Logs, for subscriptions and for searches.

JSON patterns are parsed in full except regular expressions: `{ $.kind = "window" && $.n > 3 }`.
Term patterns know required, optional (`?`), excluded (`-`) and quoted terms.
Source: CloudWatch Logs user guide, "Filter pattern syntax".
"""

import fnmatch
import json
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Matcher = Callable[[str], bool]
_Test = Callable[[Any], bool]

_MISSING = object()
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*")|(?P<path>\$[\w.\[\]"-]*)
    |(?P<mark>&&|\|\||!=|<=|>=|[=<>(){}])|(?P<word>[^\s=<>(){}&|!"]+))""",
    re.VERBOSE,
)
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class PatternError(ValueError):
    """A filter pattern that this emulation cannot read."""


@lru_cache(maxsize=256)
def compile_pattern(pattern: str | None) -> Matcher:
    """Return a predicate over log messages.

    >>> compile_pattern('{ $.kind = "window" }')('{"kind": "window"}')
    True
    >>> compile_pattern('ERROR -timeout')("ERROR: timeout")
    False
    """
    text = (pattern or "").strip()
    if not text:
        return lambda _message: True
    if text.startswith("{"):
        test = _Parser(text).parse()
        return lambda message: test(_document(message))
    if text.startswith("["):
        raise PatternError(f"space-delimited patterns are not emulated: {text}")
    return _terms(text)


def _document(message: str) -> Any:
    stripped = message.strip()
    if not stripped.startswith("{"):
        return _MISSING
    try:
        return json.loads(stripped)
    except json.JSONDecodeError:
        return _MISSING


def _terms(text: str) -> Matcher:
    words = [m.group() for m in re.finditer(r'[-?]?(?:"(?:\\.|[^"\\])*"|\S+)', text)]
    optional = [_plain(w[1:]) for w in words if w.startswith("?")]
    excluded = [_plain(w[1:]) for w in words if w.startswith("-")]
    required = [_plain(w) for w in words if w[0] not in "?-"]

    def matches(message: str) -> bool:
        if any(term in message for term in excluded):
            return False
        if not all(term in message for term in required):
            return False
        return not optional or bool(required) or any(term in message for term in optional)

    return matches


def _plain(term: str) -> str:
    return term[1:-1].replace('\\"', '"') if term.startswith('"') else term


class _Parser:
    """Recursive descent over `or := and ('||' and)*`, `and := unit ('&&' unit)*`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._position = 0

    def parse(self) -> _Test:
        self._expect("{")
        test = self._either()
        self._expect("}")
        return test

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens, position = [], 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                raise PatternError(f"cannot read the filter pattern {text!r} at {position}")
            tokens.append(found.group().strip())
            position = found.end()
        return tokens

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._position += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise PatternError(f"expected {token!r} in the filter pattern {self._text!r}")

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._peek() == "||":
            self._next()
            tests.append(self._both())
        return lambda document: any(test(document) for test in tests)

    def _both(self) -> _Test:
        tests = [self._unit()]
        while self._peek() == "&&":
            self._next()
            tests.append(self._unit())
        return lambda document: all(test(document) for test in tests)

    def _unit(self) -> _Test:
        if self._peek() == "(":
            self._next()
            test = self._either()
            self._expect(")")
            return test
        path, mark = self._next(), self._next().upper()
        if not path.startswith("$"):
            raise PatternError(f"expected a selector in the filter pattern {self._text!r}")
        if mark in ("IS", "NOT", "EXISTS"):
            return _state(path, mark, "" if mark == "EXISTS" else self._next().upper())
        return _compare(path, mark, self._next())


def _state(path: str, mark: str, word: str) -> _Test:
    wanted = {"TRUE": True, "FALSE": False, "NULL": None}
    if mark == "IS" and word in wanted:
        return lambda document: _select(document, path) is wanted[word]
    if mark == "NOT" and word == "EXISTS":
        return lambda document: document is not _MISSING and _select(document, path) is _MISSING
    if mark == "EXISTS":
        return lambda document: _select(document, path) is not _MISSING
    raise PatternError(f"cannot read {path} {mark} {word}")


def _compare(path: str, mark: str, literal: str) -> _Test:
    quoted = literal.startswith('"')
    value = _plain(literal)
    if mark in _ORDER:
        return _ordered(path, _ORDER[mark], float(value))
    if mark not in ("=", "!="):
        raise PatternError(f"cannot compare with {mark!r}")

    def equal(found: Any) -> bool:
        if _is_number(found) and not quoted:
            return bool(_number(value) == found)
        return isinstance(found, str) and fnmatch.fnmatchcase(found, value.replace("[", "[[]"))

    if mark == "=":
        return lambda document: equal(_select(document, path))
    return lambda document: (
        _select(document, path) is not _MISSING and not equal(_select(document, path))
    )


def _ordered(path: str, order: Callable[[float, float], bool], number: float) -> _Test:
    def ordered(document: Any) -> bool:
        found = _select(document, path)
        return _is_number(found) and order(found, number)

    return ordered


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _select(document: Any, path: str) -> Any:
    for step in re.findall(r"[^.\[\]$]+", path):
        name = step.strip('"')
        if isinstance(document, dict):
            document = document.get(name, _MISSING)
        elif isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            return _MISSING
    return document
