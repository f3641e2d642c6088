"""Labels as a sheet: one per receipt, what its rows share at the head and one entry per row."""

from __future__ import annotations

import json

from tidegate.clock import stamp
from tidegate.errors import CorruptRecordError
from tidegate.windows.fields import Fields
from tidegate.windows.values import Label

_HEAD = frozenset({"model", "version", "release", "receipt", "predicted_at"})
_ENTRY = frozenset({"received_at", "score", "label"})


def head_to_json(label: Label) -> str:
    """Return what all labels of a receipt share."""
    return _dump(
        {
            "model": label.model,
            "version": label.version,
            "release": label.release,
            "receipt": label.receipt,
            "predicted_at": stamp(label.predicted_at),
        }
    )


def entry_to_json(label: Label) -> str:
    """Return what belongs to the label's own row."""
    received = stamp(label.received_at)
    return _dump({"received_at": received, "score": label.score, "label": label.label})


def label_from_json(head: str, *, row: int, entry: str) -> Label:
    """Read a label back; raise `CorruptRecordError` naming the field that is wrong."""
    shared = Fields(_load(head), what="label sheet", keys=_HEAD)
    own = Fields(_load(entry), what="label", keys=_ENTRY)
    return Label(
        model=shared.model("model"),
        version=shared.integer("version", low=1),
        release=shared.identifier("release"),
        receipt=shared.identifier("receipt"),
        row=row,
        predicted_at=shared.moment("predicted_at"),
        received_at=own.moment("received_at"),
        score=own.numbers("score"),
        label=own.text("label"),
    )


def _dump(content: dict[str, object]) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptRecordError("a label is not JSON") from None
