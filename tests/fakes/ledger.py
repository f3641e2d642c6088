"""The ledger in memory; `tests/adapters/test_ledger.py` holds it to what the real one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tidegate.windows.label_history import LabelHistory, Stored, tell_all
from tidegate.windows.values import Label, Window


class MemoryLedger:
    """`Ledger` in two dicts."""

    def __init__(self) -> None:
        self.stored_windows: dict[tuple[str, str, str], Window] = {}
        self.stored_labels: dict[tuple[str, str, int], Label] = {}
        self.histories: dict[tuple[str, str, int], LabelHistory] = {}

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

    def put_labels(self, labels: Sequence[Label]) -> Stored:
        total = Stored()
        for label in labels:
            key = label.model, label.receipt, label.row
            history, stored = tell_all(self.histories.get(key, LabelHistory()), [label])
            current = history.told[0]
            self.histories[key], total = history, total + stored
            self.stored_labels[key] = replace(
                label,
                label=current.label,
                received_at=current.first,
                earlier=history.earlier,
            )
        return total

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
