"""Where each record lies in the table: partition and sort key, derived and never supplied."""

from __future__ import annotations

import re

from tidegate.errors import CorruptRecordError, RequestError
from tidegate.registry.rules import check_model_name, is_key_part
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

_INPUT = re.compile(r"[0-9]{1,8}:[a-z]{1,16}:[0-9]{1,6}")
LIST = "REGISTRY"  # partition of the list of models
Row = tuple[str, str]

_PREFIX: dict[type, str] = {
    Meta: "META",
    Version: "V#",
    Input: "IN#",
    Signature: "SIG#",
    Reign: "REIGN#",
    Pointer: "P#",
    Release: "REL#",
    Lock: "LOCK#release",
    Run: "RUN#",
    DriftReport: "DRIFT#",
    Request: "REQ#",
    Event: "EVT#",
}
_KEY: dict[type, str] = {  # the field that tells records of a kind apart
    Meta: "",
    Lock: "",
    Version: "number",
    Signature: "version",
    Reign: "sequence",
    Event: "sequence",
    Pointer: "name",
    Release: "id",
    Run: "id",
    DriftReport: "id",
    Request: "id",
}
_LONGEST = 12  # of digits
_DIGITS = {Version: 8, Signature: 8, Event: 12, Reign: 12}  # sort keys are in order of numbers


def partition(model: str) -> str:
    """Return the partition key of a model."""
    return f"MODEL#{check_model_name(model)}"


def prefix(kind: type, version: int = 0) -> str:
    """Return what the sort keys of a kind of record begin with, or those of one version's.

    >>> prefix(Input, 3)
    'IN#00000003#'
    """
    return _PREFIX[kind] + (f"{version:08d}#" if version else "")


def row(kind: type, model: str, key: str = "") -> Row:
    """Return partition and sort key of a record by its kind and key.

    >>> row(Version, "iris", "3")
    ('MODEL#iris', 'V#00000003')
    """
    return partition(model), _PREFIX[kind] + _suffix(kind, key)


def row_of(record: Record | Event) -> Row:
    """Return partition and sort key of a record."""
    return row(type(record), record.model, key_of(record))


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
    if kind in _DIGITS:
        if not (key.isascii() and key.isdigit() and len(key) <= _LONGEST):
            raise RequestError(f"{key[:40]!r} is no number of a {kind.__name__.lower()}")
        return f"{int(key):0{_DIGITS[kind]}d}"
    if kind is Input:
        if _INPUT.fullmatch(key) is None:
            raise RequestError(f"{key[:40]!r} is no key of an input, e.g. 3:data:0")
        version, name, index = key.split(":")
        return f"{int(version):08d}#{name}#{int(index):06d}"
    if not is_key_part(key):
        raise RequestError(
            f"{key[:80]!r} is no id of a {kind.__name__}:"
            " use letters, digits, '.', '_', ':' and '-'"
        )
    return key


def key_of(record: Record | Event) -> str:
    """Return the key that a record is read by, within its kind and model."""
    if isinstance(record, Input):
        return f"{record.version}:{record.kind}:{record.index}"
    name = _KEY[type(record)]
    return str(getattr(record, name)) if name else ""
