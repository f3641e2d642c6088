"""Strict JSON: canonical bytes out, and values in that match a dataclass field by field.

Nothing is coerced: a bool is not an int, an unknown or missing field is an error naming its path.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

T = TypeVar("T")
Hint = Any  # a type as the typing module spells it: a class, `X | None`, `tuple[X, ...]`


def canonical_json(value: object) -> bytes:
    """Return the one byte form of a value: sorted keys, no spaces, no NaN; dataclasses as objects.

    >>> canonical_json({"b": 1, "a": (0.5,)})
    b'{"a":[0.5],"b":1}'
    """
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def parse_json(data: bytes) -> object:
    """Read JSON by the standard; raise `ValueError` on NaN, repeated keys and deep nesting."""
    try:
        return json.loads(data, parse_constant=_constant, object_pairs_hook=unique)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON; raise `ValueError` when a key stands twice.

    >>> json.loads('{"a": 1, "a": 2}', object_pairs_hook=unique)
    Traceback (most recent call last):
    ValueError: the key 'a' stands twice in one object
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key in found if counts[key] > 1)
        raise ValueError(f"the key {twice[:100]!r} stands twice in one object")
    return found


def decode(kind: type[T], value: object, *, at: str = "") -> T:
    """Build a `kind` from parsed JSON; raise `ValueError` that begins with the path of the fault.

    >>> from tidegate.errors import Problem
    >>> decode(Problem, {"row": True, "column": "x", "rule": "r"})
    Traceback (most recent call last):
    ValueError: row: a whole number is expected, not true
    """
    return cast(T, _decode(kind, value, at))


def _decode(kind: Hint, value: object, at: str) -> object:
    origin, parts = _parts(kind)
    if origin in (Union, UnionType):
        return _decode_union(parts, value, at)
    if origin is Literal:
        if value in parts and isinstance(value, str):
            return value
        raise _fault(at, f"one of {', '.join(map(repr, parts))}", value)
    if origin is tuple:
        return _decode_tuple(parts, value, at)
    if origin is dict:
        return _decode_dict(parts[1], value, at)
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, at)
    return _decode_scalar(kind, value, at)


@cache
def _parts(kind: Hint) -> tuple[object, tuple[Hint, ...]]:
    return get_origin(kind), get_args(kind)


def _decode_scalar(kind: Hint, value: object, at: str) -> object:
    if kind is float and type(value) in (int, float):
        try:
            number = float(cast(float, value))
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    elif type(value) is kind or (kind not in _EXPECTED and isinstance(value, kind)):
        return value  # the second: a part that is no JSON, which the caller built
    raise _fault(at, _EXPECTED.get(kind, kind.__name__), value)


def _decode_union(kinds: tuple[Hint, ...], value: object, at: str) -> object:
    if value is None and NoneType in kinds:
        return None
    if type(value) in (str, bool) and type(value) in kinds:
        return value
    exact = [kind for kind in kinds if type(value) is kind]
    if exact:
        return _decode(exact[0], value, at)
    rest = [kind for kind in kinds if kind is not NoneType]
    if len(rest) == 1:
        return _decode(rest[0], value, at)
    raise _fault(at, " or ".join(_EXPECTED[kind] for kind in rest), value)


def _decode_tuple(kinds: tuple[Hint, ...], value: object, at: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise _fault(at, "a list", value)
    if kinds[-1] is Ellipsis:
        if _all_are(kinds[0], value):
            return tuple(map(kinds[0], value))
        return tuple(_decode(kinds[0], item, f"{at}[{i}]") for i, item in enumerate(value))
    if len(value) != len(kinds):
        raise _fault(at, f"a list of {len(kinds)}", value)
    return tuple(
        _decode(k, v, f"{at}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True))
    )


def _all_are(kind: Hint, values: list[object]) -> bool:
    """Tell whether a list can be taken as a whole; what is not stays for the exact way.

    A reference has thousands of numbers, and a cold start reads them.
    """
    kinds = set(map(type, values))
    if kind is float:
        return kinds == {float} and all(map(math.isfinite, cast(list[float], values)))
    return kind in (int, str) and kinds == {kind}


def _decode_dict(kind: Hint, value: object, at: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _fault(at, "an object", value)
    return {key: _decode(kind, item, _join(at, key)) for key, item in value.items()}


def _decode_dataclass(kind: Hint, value: object, at: str) -> object:
    if not isinstance(value, Mapping):
        raise _fault(at, "an object", value)
    known, required = _shape(kind)
    for key in value:
        if key not in known:
            raise ValueError(f"{_join(at, key)}: no such field")
    for name in required:
        if name not in value:
            raise ValueError(f"{_join(at, name)}: missing")
    return kind(**{key: _decode(known[key], item, _join(at, key)) for key, item in value.items()})


@cache
def _shape(kind: Hint) -> tuple[dict[str, Any], tuple[str, ...]]:
    own = fields(kind)
    required = (f for f in own if f.default is MISSING and f.default_factory is MISSING)
    return {f.name: _hint(kind, f.type) for f in own}, tuple(f.name for f in required)


def _hint(kind: type, written: Hint) -> Hint:
    """Return the type that a field's annotation means.

    `typing.get_type_hints` takes three times as long, of which a cold start has a millisecond.
    """
    if not isinstance(written, str):
        return written
    return _BY_NAME.get(written) or eval(written, vars(sys.modules[kind.__module__]))  # noqa: S307 - our source


_EXPECTED: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    NoneType: "null",
}


_BY_NAME = {kind.__name__: kind for kind in _EXPECTED}


def _fault(at: str, expected: str, value: object) -> ValueError:
    where = f"{at}: " if at else ""
    return ValueError(f"{where}{expected} is expected, not {_show(value)}")


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**18:
        return "so large a number"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _join(at: str, key: object) -> str:
    return f"{at}.{key}" if at else str(key)


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
