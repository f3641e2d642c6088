"""The ledger's port: windows and labels, add-only and idempotent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tidegate.windows.label_history import Stored
from tidegate.windows.values import Label, Window


class Ledger(Protocol):
    """Where windows and labels are kept until their time to live ends."""

    def put_windows(self, windows: Sequence[Window]) -> int:
        """Store windows by id; return how many were new."""
        ...

    def windows(
        self, model: str, release: str, since: datetime, until: datetime
    ) -> tuple[Window, ...]:
        """Return windows of one release with since <= end < until."""
        ...

    def put_labels(self, labels: Sequence[Label]) -> Stored:
        """Store labels by receipt and row; tell which were new, and which changed another.

        The label received last counts, of the same moment the greater text, whatever the order of
        the writes; values told earlier are kept beside it. Raises `LedgerConflictError` when others
        kept writing the same receipt.
        """
        ...

    def labels(
        self, model: str, since: datetime, until: datetime, *, newest: int = 0
    ) -> tuple[Label, ...]:
        """Return labels with since <= prediction < until, by time of prediction.

        With `newest`, whole receipts of the latest predictions are read until there are so many
        labels at least, so the cost is bounded whatever the traffic.
        """
        ...
