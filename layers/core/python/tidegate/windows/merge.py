"""Merging: counts add, so the order and grouping of windows do not matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum

from tidegate.errors import CorruptRecordError
from tidegate.windows.values import (
    LATENCY_EDGES_MS,
    TOTALS,
    Bins,
    Counts,
    Reference,
    Window,
)


def merge(windows: Sequence[Window], reference: Reference) -> Window:
    """Return one window that counts what all of these count, laid out by `reference`.

    All must be of one model, version and release; the result has the smallest id. A column that
    no window counted has zeros. Raises `ValueError` on no windows or mixed ones,
    `CorruptRecordError` on cells that are not the reference's.
    """
    if not windows:
        raise ValueError("there is no window to merge")
    if len({(window.model, window.version, window.release) for window in windows}) != 1:
        raise ValueError("windows of several models, versions or releases can't be merged")
    first = windows[0]
    return Window(
        id=min(window.id for window in windows),
        model=first.model,
        version=first.version,
        release=first.release,
        start=min(window.start for window in windows),
        end=max(window.end for window in windows),
        **{name: sum(getattr(window, name) for window in windows) for name in TOTALS},
        latency_ms=_add_cells((w.latency_ms for w in windows), len(LATENCY_EDGES_MS) + 1),
        score=_add("score", (window.score for window in windows), reference.score.bins),
        labels=_add_labels(windows),
        columns=_add_columns(windows, reference),
        clusters=_add_sums(windows),
    )


def _add_columns(windows: Sequence[Window], reference: Reference) -> dict[str, Counts]:
    for window in windows:
        for name in window.columns.keys() - reference.columns.keys():
            raise CorruptRecordError(f"window {window.id}: column {name} is not in the reference")
    return {
        name: _add(name, (w.columns[name] for w in windows if name in w.columns), column.bins)
        for name, column in reference.columns.items()
    }


def _add(name: str, parts: Iterable[Counts], bins: Bins) -> Counts:
    counts = tuple(parts)
    for part in counts:
        if part.cells and len(part.cells) != bins.cells:
            raise CorruptRecordError(
                f"a window: {name}: {len(part.cells)} cells, but the reference has {bins.cells}"
            )
    cells = _add_cells((part.cells for part in counts), bins.cells)
    return Counts(cells, missing=sum(part.missing for part in counts))


def _add_cells(parts: Iterable[tuple[int, ...]], width: int) -> tuple[int, ...]:
    counted = [part for part in parts if part]
    return tuple(map(sum, zip(*counted, strict=True))) if counted else (0,) * width


def _add_labels(windows: Sequence[Window]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for window in windows:
        total.update(window.labels)
    return dict(sorted(total.items()))


def _add_sums(windows: Sequence[Window]) -> tuple[float, float, float, float]:
    squares, total, between, overall = (
        fsum(part) for part in zip(*(w.clusters for w in windows), strict=True)
    )
    return squares, total, between, overall
