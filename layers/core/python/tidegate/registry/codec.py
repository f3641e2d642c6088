"""Records as plain items and back: str, int, bool, Decimal, list and dict, nothing else.

Both ways are driven by the values' annotations, so a record read is checked as a record written is:
an unknown, missing or mistyped field, a number that is not finite or a broken rule is refused.
"""

# ruff: noqa: ANN401 - what a value is, its annotation says at run time
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar, get_args, get_origin

from tidegate.clock import parse_stamp, stamp
from tidegate.errors import CorruptRecordError, RecordError
from tidegate.registry.content import check_content
from tidegate.registry.declared import check_types, hints, is_union, named, shown
from tidegate.registry.values import (
    DriftReport,
    Event,
    Input,
    Record,
    Reign,
    Release,
    Request,
    Run,
    Signature,
    Version,
)

R = TypeVar("R")
_TYPE = "record"  # names the kind of value that an item holds
Item = dict[str, Any]  # the JSON-like edge to the store
_INTEGRAL = "float"  # a whole float among mixed values is kept as {"float": 2}: 2.0 is not 2

# What may change after the first write; everything else of a record is written once.
_MUTABLE: dict[type, frozenset[str]] = {
    Version: frozenset({"status"}),
    Release: frozenset(
        {
            "state",
            "function_version",
            "weight",
            "verdicts",
            "finished",
            "outcome",
        }
    ),
    Run: frozenset({"state", "identity", "job", "version", "finished", "error"}),
    DriftReport: frozenset(),
    Request: frozenset(),
    Input: frozenset(),
    Signature: frozenset(),
    Reign: frozenset(),
    Event: frozenset(),
}

_FOUND_BY: dict[type, str] = {Run: "identity", Version: "package_digest", Input: "digest"}


def encode(record: Record | Event) -> Item:
    """Return a record's plain item; raise `RecordError` naming the field that can't be stored."""
    check_types(record)
    check_content(record)
    name = type(record).__name__
    return {_TYPE: name, **_encode_fields(record)}


def decode(kind: type[R], item: Mapping[str, Any]) -> R:
    """Read a plain item back; raise `CorruptRecordError` when it is not what `encode` writes."""
    name = kind.__name__
    if item.get(_TYPE) != name:
        raise CorruptRecordError(f"expected {name}, found {str(item.get(_TYPE))[:40]!r}")
    try:
        record: Any = _decode(kind, {k: v for k, v in item.items() if k != _TYPE}, name)
        check_content(record)
    except (ValueError, TypeError, RecordError) as error:
        raise CorruptRecordError(f"stored {name} of {item.get('model')!r}: {error}") from error
    return record  # type: ignore[no-any-return]  # _decode builds what `kind` says


def as_stored(record: R) -> R:
    """Return a record as it is read back: its times in UTC and with milliseconds."""
    written: Any = record
    return decode(type(record), encode(written))


def body_digest(record: Record | Event) -> str:
    """Return the SHA-256 of a record's immutable fields, or '' when all of it may change."""
    return body_digest_of(type(record), encode(record)) if type(record) in _MUTABLE else ""


def body_digest_of(kind: type, item: Item) -> str:
    """Return the same of a record that is encoded already."""
    mutable = _MUTABLE.get(kind)
    if mutable is None:
        return ""
    fixed = {k: v for k, v in item.items() if k not in mutable}
    text = json.dumps(fixed, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def indexed_digest(record: Record | Event) -> str:
    """Return the digest that a record is found by; '' when it has none."""
    field = _FOUND_BY.get(type(record), "")
    return str(getattr(record, field)) if field else ""


def changeable(kind: type) -> frozenset[str]:
    """Return the names of the fields of a record that may change after its first write."""
    mutable = _MUTABLE.get(kind)
    return frozenset(hints(kind)) if mutable is None else mutable


def _encode_fields(record: Any) -> Item:
    """Leave out what holds its default: so a field added later changes no row written before."""
    declared = hints(type(record))
    told = (f.name for f in fields(record) if getattr(record, f.name) != _default(f))
    return {name: _encode(declared[name], getattr(record, name)) for name in told}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _encode(hint: Any, value: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if is_dataclass(value):
        return _encode_fields(value)
    if origin is tuple:
        return [_encode(args[0], entry) for entry in value]
    if origin is dict:
        return {key: _encode(args[1], entry) for key, entry in value.items()}
    return _encode_scalar(hint, value)


def _encode_scalar(hint: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if hint is float or isinstance(value, float):
        number = _decimal(float(value))
        mixed = is_union(get_origin(hint)) and int in get_args(hint)
        return {_INTEGRAL: number} if mixed and value.is_integer() else number
    return value


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value + 0.0))  # + 0.0 makes -0.0 plain: DynamoDB has one zero


def _decode(hint: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        rows = enumerate(_a(list, value, where))
        return tuple(_decode(args[0], entry, f"{where}[{index}]") for index, entry in rows)
    if origin is dict:
        return {k: _decode(args[1], v, f"{where}.{k}") for k, v in _a(dict, value, where).items()}
    if is_union(origin):
        return _decode_union(args, value, where)
    if is_dataclass(hint):
        return _decode_record(hint, _a(dict, value, where), where)
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{where}: {shown(value)} is not {named(hint)}")
        return value
    if hint is datetime:
        return parse_stamp(_a(str, value, where))
    if hint in (int, float):
        return _decode_number(hint, value, where)
    return _a(hint, value, where)


def _decode_union(arms: tuple[Any, ...], value: Any, where: str) -> Any:
    """Read `X | None` as X, and a scalar among mixed values as the type it was."""
    if value is None and type(None) in arms:
        return None
    kinds = [arm for arm in arms if arm is not type(None)]
    if len(kinds) == 1:
        return _decode(kinds[0], value, where)
    if isinstance(value, dict) and set(value) == {_INTEGRAL}:
        return _decode_number(float, value[_INTEGRAL], where)
    if isinstance(value, bool | str):
        return value
    number = value if isinstance(value, Decimal) else Decimal(_a(int, value, where))
    return _decode_number(int if number == number.to_integral_value() else float, number, where)


def _decode_number(hint: Any, value: Any, where: str) -> int | float:
    number = value if isinstance(value, Decimal) else Decimal(_a(int, value, where))
    if not number.is_finite() or (hint is int and number != number.to_integral_value()):
        raise ValueError(f"{where}: {value} is not {named(hint)}")
    return int(number) if hint is int else float(number)


def _decode_record(kind: Any, item: Mapping[str, Any], where: str) -> Any:
    declared = hints(kind)
    unknown = sorted(set(item) - set(declared))
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}")
    needed = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
    missing = [name for name in needed if name not in item]
    if missing:
        raise ValueError(f"{where}: field {missing[0]!r} is missing")
    return kind(**{name: _decode(declared[name], item[name], f"{where}.{name}") for name in item})


def _a(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{where}: {shown(value)} is not {kind.__name__}")
    return value
