"""The ledger in memory; `tests/adapters/test_ledger.py` holds it to what the real one does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tidegate.windows.values import Label, Window


class MemoryLedger:
    """`Ledger` in two dicts."""

    def __init__(self) -> None:
        self.stored_windows: dict[tuple[str, str, str], Window] = {}
        self.stored_labels: dict[tuple[str, str, int], Label] = {}

    def put_windows(self, windows: Sequence[Window]) -> int:
        before = len(self.stored_windows)
        for window in windows:
            self.stored_windows.setdefault((window.model, window.release, window.id), window)
        return len(self.stored_windows) - before

    def windows(
        self, model: str, release: str, since: datetime, until: datetime
    ) -> tuple[Window, ...]:
        found = [
            window
            for window in self.stored_windows.values()
            if (window.model, window.release) == (model, release) and since <= window.end < until
        ]
        return tuple(sorted(found, key=lambda window: (window.end, window.id)))

    def put_labels(self, labels: Sequence[Label]) -> int:
        before = len(self.stored_labels)
        for label in labels:
            self.stored_labels[label.model, label.receipt, label.row] = label
        return len(self.stored_labels) - before

    def labels(
        self, model: str, since: datetime, until: datetime, *, newest: int = 0
    ) -> tuple[Label, ...]:
        found = [
            label
            for label in self.stored_labels.values()
            if label.model == model and since <= label.predicted_at < until
        ]
        found.sort(key=lambda x: (x.predicted_at, x.receipt, x.row))
        start = max(0, len(found) - newest) if newest else 0
        first = (found[start].predicted_at, found[start].receipt) if found else None
        return tuple(x for x in found if first and (x.predicted_at, x.receipt) >= first)
