"""Values against their annotations: the type check of every record, before it is written."""

# ruff: noqa: ANN401 - what a value is, its annotation says at run time
from __future__ import annotations

import math
import types
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tidegate.errors import RecordError

_SMALLEST, _LARGEST = 1e-125, 1e125  # what DynamoDB's numbers hold, with a margin


def check_types(record: object) -> None:
    """Raise `RecordError` naming the first field whose value does not have its declared type."""
    _check(type(record), record, type(record).__name__)


def hints(kind: Any) -> dict[str, Any]:
    """Return the resolved annotations of a value's fields."""
    return _resolved(kind)


@cache
def _resolved(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def is_union(origin: Any) -> bool:
    """Tell whether an annotation's origin is `X | Y`."""
    return origin in (Union, types.UnionType)


def shown(value: object) -> str:
    """Return a short form of a value for an error."""
    return repr(value)[:60]


def named(hint: Any) -> str:
    """Return an annotation as a person would write it."""
    return getattr(hint, "__name__", "") or str(hint).replace("typing.", "")


def _check(hint: Any, value: Any, where: str) -> None:
    origin = get_origin(hint)
    if origin is Literal:
        fits = value in get_args(hint)
    elif is_union(origin):
        fits = any(_is_a(arm, value) for arm in get_args(hint))
    else:
        fits = _is_a(origin or hint, value)
    if not fits:
        raise RecordError(f"{where}: {shown(value)} is not {named(hint)}")
    _check_storable(value, where)
    for part, entry, place in _parts(hint, value, where):
        _check(part, entry, place)


def _parts(hint: Any, value: Any, where: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield (annotation, value, place) of what a container or dataclass holds."""
    args = get_args(hint)
    if get_origin(hint) is tuple:
        yield from ((args[0], entry, f"{where}[{i}]") for i, entry in enumerate(value))
    elif get_origin(hint) is dict:
        for key, entry in value.items():
            yield str, key, f"{where} key"
            yield args[1], entry, f"{where}.{key}"
    elif is_union(get_origin(hint)) and is_dataclass(value):
        yield type(value), value, where
    elif is_dataclass(hint):
        for name, part in hints(hint).items():
            yield part, getattr(value, name), f"{where}.{name}"


def _check_storable(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"{where}: {value} is not a finite number")
    if isinstance(value, float) and value and not _SMALLEST < abs(value) < _LARGEST:
        raise RecordError(f"{where}: {value} is outside the range that the registry stores")
    if isinstance(value, int) and abs(value) >= 10**38:
        raise RecordError(f"{where}: a whole number of more than 38 digits can't be stored")
    if isinstance(value, str) and not value.isascii() and _is_broken(value):
        raise RecordError(f"{where}: holds half of a surrogate pair, which is no text")


def _is_broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_a(hint: Any, value: Any) -> bool:
    if hint is float:  # an int where a float is declared is kept as a float
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)
