"""Labels as JSON, strict on the way back."""

from __future__ import annotations

import json
from dataclasses import asdict

from tidegate.clock import stamp
from tidegate.errors import CorruptRecordError
from tidegate.windows.fields import Fields
from tidegate.windows.values import Label

_KEYS = frozenset(Label.__dataclass_fields__)


def label_to_json(label: Label) -> str:
    """Return one line of JSON."""
    times = {"predicted_at": stamp(label.predicted_at), "received_at": stamp(label.received_at)}
    return json.dumps(asdict(label) | times, separators=(",", ":"), allow_nan=False)


def label_from_json(text: str) -> Label:
    """Read a line back; raise `CorruptRecordError` naming the field that is wrong."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptRecordError("a label is not JSON") from None
    fields = Fields(raw, what="label", keys=_KEYS)
    return Label(
        model=fields.model("model"),
        version=fields.integer("version", low=1),
        release=fields.identifier("release"),
        receipt=fields.identifier("receipt"),
        row=fields.integer("row"),
        predicted_at=fields.moment("predicted_at"),
        received_at=fields.moment("received_at"),
        score=fields.numbers("score"),
        label=fields.text("label"),
    )
