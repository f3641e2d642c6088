"""Labels as a sheet: rows of one receipt, what they share at the head and one entry per row.

An entry is the label that counts, when it was first told, and the score. Only a row that was told
of more than once has `last`, and `earlier`: one `[label, first, last]` for each former value.
"""

from __future__ import annotations

import json
from datetime import datetime

from tidegate.clock import parse_stamp, stamp
from tidegate.errors import CorruptRecordError, RecordError
from tidegate.windows.fields import LONGEST_TEXT, Fields
from tidegate.windows.label_history import LabelHistory, Told
from tidegate.windows.values import Label

_HEAD = frozenset({"model", "version", "release", "receipt", "predicted_at"})
_ENTRY = frozenset({"received_at", "score", "label"})
_OPTIONAL = frozenset({"last", "earlier"})


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


def entry_to_json(label: Label, history: LabelHistory | None = None) -> str:
    """Return what belongs to the label's own row; `history` when it was told of more than once.

    Raises `RecordError` when it holds a label that could not be read back.
    """
    told = (history or LabelHistory().tell(label.label, label.received_at)).told
    if any(not 0 < len(one.label) <= LONGEST_TEXT for one in told):
        raise RecordError(f"label: must be text of 1 to {LONGEST_TEXT} characters")
    current, earlier = told[0], told[1:]
    content: dict[str, object] = {
        "received_at": stamp(current.first),
        "score": label.score,
        "label": current.label,
    }
    if current.last != current.first:
        content["last"] = stamp(current.last)
    if earlier:
        content["earlier"] = [[one.label, stamp(one.first), stamp(one.last)] for one in earlier]
    return _dump(content)


def history_from_json(entry: str) -> LabelHistory:
    """Read what was told of a row; raise `CorruptRecordError` naming the field that is wrong."""
    raw = _load(entry)
    own = _fields(raw)
    first = own.moment("received_at")
    last = own.moment("last") if isinstance(raw, dict) and "last" in raw else first
    earlier = raw.get("earlier", []) if isinstance(raw, dict) else []
    if not isinstance(earlier, list):
        raise own.wrong("earlier", "must be a list")
    return LabelHistory((Told(own.text("label"), first, last), *(_told(own, e) for e in earlier)))


def label_from_json(head: str, *, row: int, entry: str) -> Label:
    """Read a label back; raise `CorruptRecordError` naming the field that is wrong."""
    shared = Fields(_load(head), what="label sheet", keys=_HEAD)
    own, history = _fields(_load(entry)), history_from_json(entry)
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
        earlier=history.earlier,
    )


def _fields(raw: object) -> Fields:
    given = raw.keys() & _OPTIONAL if isinstance(raw, dict) else set()
    return Fields(raw, what="label", keys=_ENTRY | given)


def _told(own: Fields, raw: object) -> Told:
    match raw:
        case [str(label), str(first), str(last)] if 0 < len(label) <= LONGEST_TEXT:
            return Told(label, _moment(own, first), _moment(own, last))
    raise own.wrong("earlier", "must hold [label, first, last]")


def _moment(own: Fields, text: str) -> datetime:
    try:
        return parse_stamp(text)
    except (ValueError, OverflowError):
        raise own.wrong("earlier", "must hold timestamps") from None


def _dump(content: dict[str, object]) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptRecordError("a label is not JSON") from None
