"""Windows as JSON: compact enough for one log line, strict on the way back.

A column's counts are written sparsely as `[cells, missing, cell, count, cell, count, ...]`. A
window too long for one line is written as several that add up to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tidegate.clock import stamp
from tidegate.errors import CorruptRecordError
from tidegate.windows.fields import Fields
from tidegate.windows.values import LATENCY_EDGES_MS, TOTALS, Counts, Window

KIND = "window"
MAX_LINE = (
    250_000  # bytes; CloudWatch Logs took 256 KB per event for years, and subscribers may still
)
MAX_CELLS = 20_000
_NAMES = ("id", "model", "version", "release", "start", "end", *TOTALS)
_KEYS = {"kind", *_NAMES, "latency_ms", "score", "labels", "columns", "clusters"}
# A version that was published before these were counted goes on printing lines without them.
_LATER: dict[str, Any] = {"container": "", "earlier": 0}


def encode_lines(window: Window, *, limit: int = MAX_LINE) -> tuple[str, ...]:
    """Return JSON lines of at most `limit` bytes whose windows merge to this one.

    Raises `ValueError` when a single column, or what is none, is longer than that.
    """
    whole = _line(window)
    if len(whole) <= limit:
        return (whole,)
    parts = _split(window, limit)
    numbered = (replace(part, id=f"{window.id}.{i}") for i, part in enumerate(parts[1:], start=1))
    return tuple(map(_line, (parts[0], *numbered)))


def decode_line(text: str | bytes, *, id: str = "") -> Window:
    """Read a line back, under another `id` if given; raise `CorruptRecordError` if odd."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptRecordError("a window is not JSON") from None
    return from_dict(raw, id=id)


def to_dict(window: Window) -> dict[str, Any]:
    """Return the JSON form."""
    found: dict[str, Any] = {"kind": KIND} | {name: getattr(window, name) for name in _NAMES}
    return found | {
        "start": stamp(window.start),
        "end": stamp(window.end),
        "latency_ms": list(window.latency_ms),
        "score": _sparse(window.score),
        "labels": dict(window.labels),
        "columns": {name: _sparse(counts) for name, counts in window.columns.items()},
        "clusters": list(window.clusters),
        **{name: getattr(window, name) for name in _LATER},
    }


def from_dict(raw: object, *, id: str = "") -> Window:
    """Read the JSON form back; raise `CorruptRecordError` naming the field that is wrong."""
    if isinstance(raw, dict):
        raw = _LATER | raw
    fields = Fields(raw, what="window", keys=_KEYS | _LATER.keys())
    if fields.text("kind") != KIND:
        raise CorruptRecordError(f"window: kind: must be {KIND!r}")
    window = Window(
        id=id or fields.identifier("id"),
        model=fields.model("model"),
        version=fields.integer("version", low=1),
        release=fields.identifier("release"),
        start=fields.moment("start"),
        end=fields.moment("end"),
        **{name: fields.integer(name) for name in TOTALS},
        latency_ms=_latency(fields),
        score=_dense(fields, "score", fields.integers("score")),
        labels=fields.totals("labels"),
        columns={
            name: _dense(fields, f"columns.{name}", counts)
            for name, counts in fields.lists("columns").items()
        },
        clusters=fields.four_numbers("clusters"),
        container=fields.identifier_or_none("container"),
        earlier=fields.integer("earlier"),
    )
    if window.end < window.start:
        raise CorruptRecordError("window: end: lies before start")
    return window


def _line(window: Window) -> str:
    return json.dumps(to_dict(window), separators=(",", ":"), allow_nan=False)


def _split(window: Window, limit: int) -> list[Window]:
    """Cut columns, then labels in two until each part fits; the first keeps what is neither."""
    if len(_line(window)) <= limit - len(".99999"):
        return [window]
    least = 0 if window.rows else 1  # what has rows besides can do without any
    kind = "columns" if len(window.columns) > least else "labels"
    counts: Mapping[str, Any] = getattr(window, kind)
    names = sorted(counts)
    if len(names) <= least:
        what = [*window.columns, *window.labels][:1]
        raise ValueError(f"window {window.id}: {what} can't be written in {limit} bytes")

    def only(part: list[str]) -> dict[str, Any]:
        return {kind: {name: counts[name] for name in part}}

    half = len(names) // 2
    first = replace(window, **only(names[:half]))
    second = Window(
        id=window.id,
        model=window.model,
        version=window.version,
        release=window.release,
        start=window.start,
        end=window.end,
        container=window.container,
        earlier=window.earlier + window.requests,
        **only(names[half:]),
    )
    return _split(first, limit) + _split(second, limit)


def _sparse(counts: Counts) -> list[int]:
    pairs = enumerate(counts.cells)
    return [len(counts.cells), counts.missing, *(n for pair in pairs if pair[1] for n in pair)]


def _dense(fields: Fields, key: str, numbers: list[int]) -> Counts:
    if len(numbers) < 2 or len(numbers) % 2 or numbers[0] > MAX_CELLS:
        raise fields.wrong(key, f"must be [cells <= {MAX_CELLS}, missing, cell, count, ...]")
    cells = [0] * numbers[0]
    positions = numbers[2::2]
    if any(a >= b for a, b in pairwise(positions)):
        raise fields.wrong(key, "cells must come once each, in order")
    if positions and positions[-1] >= len(cells):
        raise fields.wrong(key, f"has no cell {positions[-1]}")
    for cell, number in zip(positions, numbers[3::2], strict=True):
        cells[cell] = number
    return Counts(tuple(cells), missing=numbers[1])


def _latency(fields: Fields) -> tuple[int, ...]:
    found = fields.integers("latency_ms")
    if len(found) not in (0, len(LATENCY_EDGES_MS) + 1):
        raise fields.wrong("latency_ms", f"must have {len(LATENCY_EDGES_MS) + 1} counts")
    return tuple(found)
