"""Where each record lies in the table: partition and sort key, derived and never supplied."""

from __future__ import annotations

from tidegate.errors import CorruptRecordError, RequestError
from tidegate.registry.rules import check_model_name, is_key_part
from tidegate.registry.values import (
    DriftReport,
    Event,
    Lock,
    Meta,
    Pointer,
    Record,
    Release,
    Request,
    Run,
    Version,
)

LIST = "REGISTRY"  # partition of the list of models
Row = tuple[str, str]

_PREFIX: dict[type, str] = {
    Meta: "META",
    Version: "V#",
    Pointer: "P#",
    Release: "REL#",
    Lock: "LOCK#release",
    Run: "RUN#",
    DriftReport: "DRIFT#",
    Request: "REQ#",
    Event: "EVT#",
}


def partition(model: str) -> str:
    """Return the partition key of a model."""
    return f"MODEL#{check_model_name(model)}"


def prefix(kind: type) -> str:
    """Return what the sort keys of a kind of record begin with."""
    return _PREFIX[kind]


def row(kind: type, model: str, key: str = "") -> Row:
    """Return partition and sort key of a record by its kind and key.

    >>> row(Version, "iris", "3")
    ('MODEL#iris', 'V#00000003')
    """
    return partition(model), _PREFIX[kind] + _suffix(kind, key)


def row_of(record: Record | Event) -> Row:
    """Return partition and sort key of a record."""
    return row(type(record), record.model, _key_of(record))


def list_row(model: str) -> Row:
    """Return where the list of models names a model."""
    return LIST, partition(model)


def check_place(record: Record | Event, found: Row) -> None:
    """Raise `CorruptRecordError` when a record was found where it does not belong."""
    if row_of(record) != found:
        raise CorruptRecordError(
            f"a {type(record).__name__} of {record.model!r} lies at {found[0]} / {found[1]},"
            f" where it does not belong"
        )


def event_row(model: str, sequence: int) -> Row:
    """Return partition and sort key of an event, or of a bound in a range of events."""
    return row(Event, model, str(sequence))


def _suffix(kind: type, key: str) -> str:
    if kind in (Meta, Lock):
        return ""
    if kind in (Version, Event):
        if not (key.isascii() and key.isdigit()):
            raise RequestError(f"{key[:40]!r} is no number of a {kind.__name__.lower()}")
        return f"{int(key):0{8 if kind is Version else 12}d}"
    if not is_key_part(key):
        raise RequestError(
            f"{key[:80]!r} is no id of a {kind.__name__}:"
            " use letters, digits, '.', '_', ':' and '-'"
        )
    return key


def _key_of(record: Record | Event) -> str:
    match record:
        case Version():
            return str(record.number)
        case Event():
            return str(record.sequence)
        case Pointer():
            return record.name
        case Release() | Run() | DriftReport() | Request():
            return record.id
        case Meta() | Lock():
            return ""
