"""What every record must satisfy beyond its types, on write and on read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from tidegate.errors import RecordError
from tidegate.registry.rules import LARGEST_NUMBER
from tidegate.registry.values import (
    DriftReport,
    Event,
    Input,
    Lock,
    Meta,
    Pointer,
    Record,
    Reign,
    Release,
    Request,
    Run,
    Signature,
    Version,
)
from tidegate.settings import is_model_name


@dataclass(frozen=True)
class Rule:
    """A condition on one value and how a person would say it."""

    wanted: str
    holds: Callable[[Any], bool]


def _matches(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None and ".." not in text


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda number: low <= number <= high


def _is_zoned(moment: datetime) -> bool:
    return moment.tzinfo is not None


def _or_empty(rule: Rule) -> Rule:
    return Rule(f"{rule.wanted} or empty", lambda text: text == "" or rule.holds(text))


_MODEL = Rule("a model name (a-z, 0-9 and -, at most 63 characters)", is_model_name)
_ID = Rule(
    "an id (letters, digits, '.', '_' and '-', at most 128 characters)",
    _matches("[A-Za-z0-9][A-Za-z0-9._-]{0,127}"),
)
_REQUEST = Rule(
    "a request id (letters, digits, '.', '_', ':' and '-', at most 256 characters)",
    _matches("[A-Za-z0-9][A-Za-z0-9._:-]{0,255}"),
)
_DIGEST = Rule("a SHA-256 in hex", _matches("[0-9a-f]{64}"))
_NUMBER = Rule(f"a version number from 1 to {LARGEST_NUMBER}", _between(1, LARGEST_NUMBER))
_COUNT = Rule("a number from 0 to 10^15", _between(0, 10**15))
_PERCENT = Rule("a percentage from 0 to 100", _between(0, 100))
_FUNCTION = Rule("a published function version", _matches("[0-9]{0,19}"))
_KIND = Rule("an event kind like VersionRegistered", _matches("[A-Z][A-Za-z]{0,63}"))
_STAMP = Rule("a time like 2026-11-20T10:00:00.000Z", _matches(r"[0-9-]{10}T[0-9:.]{5,15}Z"))
_TIME = Rule("a time with a zone", _is_zoned)
_INDEX = Rule("a number from 0 to 999,999", _between(0, 999_999))
_FILLED = Rule("filled", bool)
_BASE64 = Rule("base64", _matches("[A-Za-z0-9+/]{4,1024}={0,2}"))
_TARGET = Rule("a version number", _matches("[1-9][0-9]{0,7}"))

_RULES: dict[type, dict[str, Rule]] = {
    Meta: {"rev": _COUNT, "counter": _COUNT},
    Version: {
        "number": _NUMBER,
        "package_digest": _DIGEST,
        "package_size": _COUNT,
        "contract_digest": _DIGEST,
        "created": _TIME,
        "run": _ID,
        "lineage.data_digest": _DIGEST,
        "lineage.code_digest": _DIGEST,
        "lineage.environment_digest": _DIGEST,
        "lineage.parent": _COUNT,
        "report_digest": _or_empty(_DIGEST),
        "files": _COUNT,
    },
    Pointer: {"rev": _COUNT, "event": _COUNT, "since": _TIME, "release": _or_empty(_ID)},
    Release: {
        "id": _ID,
        "version": _NUMBER,
        "started": _TIME,
        "function_version": _FUNCTION,
        "previous_function_version": _FUNCTION,
        "previous_version": _COUNT,
        "previous_release": _or_empty(_ID),
        "weight": _PERCENT,
        "fence": _COUNT,
    },
    Lock: {"holder": _or_empty(_ID), "token": _COUNT, "expires": _TIME, "lease": _COUNT},
    Run: {"id": _ID, "started": _TIME, "identity": _or_empty(_DIGEST), "version": _COUNT},
    DriftReport: {"id": _STAMP, "rows": _COUNT},
    Request: {"id": _REQUEST, "command": _DIGEST, "sequence": _COUNT, "at": _TIME},
    Input: {
        "version": _NUMBER,
        "index": _INDEX,
        "digest": _DIGEST,
        "size": _COUNT,
        "rows": _COUNT,
    },
    Signature: {"version": _NUMBER, "key": _FILLED, "algorithm": _FILLED, "value": _BASE64},
    Reign: {
        "sequence": _COUNT,
        "version": _NUMBER,
        "release": _or_empty(_ID),
        "function_version": _FUNCTION,
        "since": _TIME,
    },
    Event: {"sequence": _COUNT, "kind": _KIND, "at": _TIME},
}


def check_content(record: Record | Event) -> None:
    """Raise `RecordError` naming the first field that breaks a rule; types are checked before."""
    rules = {"model": _MODEL, **_RULES[type(record)]}
    if isinstance(record, Pointer):
        rules["target"] = _or_empty(_DIGEST if record.name == "code" else _TARGET)
    for field, rule in rules.items():
        value = attrgetter(field)(record)
        if not rule.holds(value):
            name = f"{type(record).__name__}.{field}"
            raise RecordError(f"{name}: {str(value)[:80]!r} is not {rule.wanted}")
