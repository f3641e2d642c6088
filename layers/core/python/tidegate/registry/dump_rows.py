"""Raw rows: the registry's rows as they lie in the table, in DynamoDB's JSON.

A row says what it is, so it can be checked without the table: it decodes, it lies where it belongs,
and no field that is written once was changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, get_args

from tidegate.errors import CorruptRecordError
from tidegate.registry import rows
from tidegate.registry.codec import body_digest, decode, indexed_digest
from tidegate.registry.declared import hints
from tidegate.registry.values import Event, Record

Raw = dict[str, Any]  # attributes by name, each as {"S": text}, {"N": number as text}, ...
_KINDS: Mapping[str, type[Record | Event]] = {
    kind.__name__: kind for kind in (*get_args(Record), Event)
}
_STORAGE = ("PK", "SK", "body", "digest")  # attributes that are not fields of a record


class RawRows(Protocol):
    """The registry's table, row by row."""

    def models(self) -> tuple[str, ...]:
        """Return the names of all models, sorted."""
        ...

    def head(self, model: str) -> Raw | None:
        """Return a model's META as it is now, or None."""
        ...

    def rows(self, model: str) -> Iterator[Raw]:
        """Yield a model's rows, read consistently, in the order of their sort keys."""
        ...

    def insert(self, items: Sequence[Raw]) -> None:
        """Write up to 100 rows where nothing lies, all or nothing; one that lies there may stay.

        Raises `ImmutableError` naming a row that holds something else; it is left as it is.
        """
        ...


def row_of(raw: Raw) -> rows.Row:
    """Return partition and sort key of a raw row."""
    return str(raw["PK"]["S"]), str(raw["SK"]["S"])


def listing(model: str) -> Raw:
    """Return the row by which a model is found."""
    pk, sk = rows.list_row(model)
    return {"PK": {"S": pk}, "SK": {"S": sk}, "model": {"S": model}}


def to_line(raw: Raw) -> bytes:
    r"""Return a row's one line, in the form of DynamoDB's own exports to S3.

    >>> to_line({"SK": {"S": "META"}, "PK": {"S": "MODEL#iris"}})
    b'{"Item":{"PK":{"S":"MODEL#iris"},"SK":{"S":"META"}}}\n'
    """
    text = json.dumps({"Item": raw}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def from_line(line: bytes) -> Raw:
    """Read a line back; raise `CorruptRecordError` for anything but what `to_line` writes."""
    try:
        found = json.loads(line)
        raw: Raw = found["Item"]
        if to_line(raw) != line:
            raise ValueError("not in canonical form")
        row_of(raw)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptRecordError(f"not a row: {error}") from None
    return raw


def record_of(raw: Raw) -> Record | Event:
    """Return what a row holds; raise `CorruptRecordError` when it isn't what Tidegate writes."""
    try:
        item = {name: _plain(value) for name, value in raw.items()}
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise CorruptRecordError(f"{' / '.join(row_of(raw))}: {error}") from None
    kind = _KINDS.get(str(item.get("record")))
    if kind is None:
        raise CorruptRecordError(f"{' / '.join(row_of(raw))}: no kind of row of a registry")
    own = hints(kind)
    record = decode(kind, {k: v for k, v in item.items() if k in own or k not in _STORAGE})
    rows.check_place(record, row_of(raw))
    if item.get("body", "") != body_digest(record):
        raise CorruptRecordError(
            f"{' / '.join(row_of(raw))}: a field that is written once was changed afterwards"
        )
    if item.get("digest", "") != indexed_digest(record):
        raise CorruptRecordError(f"{' / '.join(row_of(raw))}: is found by another digest than its")
    return record


def _plain(value: Any) -> Any:  # noqa: ANN401 - an attribute of any type
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return Decimal(held)
        case "L":
            return [_plain(part) for part in held]
        case "M":
            return {name: _plain(part) for name, part in held.items()}
        case "S" | "BOOL":
            return held
        case "NULL":
            return None
    raise ValueError(f"an attribute of type {kind!r} is in no row of a registry")
