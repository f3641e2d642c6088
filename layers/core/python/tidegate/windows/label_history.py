"""What was told of one row over time: the last telling wins, and earlier values are kept.

Of each value the first and the last telling count. Both are an extreme of times, so a history is
the same in whatever order tellings arrive, and telling the same value again changes nothing that
a reader sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.windows.values import EarlierLabel, Label

KEPT = 8  # values of one row; the values told least lately are forgotten


@dataclass(frozen=True)
class Told:
    """One value of a row: when it was told first and last."""

    label: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class LabelHistory:
    """The values told of one row, the latest first; of the same moment the greater text first."""

    told: tuple[Told, ...] = ()

    @property
    def current(self) -> Told | None:
        """The value that counts; None before anything was told."""
        return self.told[0] if self.told else None

    @property
    def earlier(self) -> tuple[EarlierLabel, ...]:
        """The values that another took the place of."""
        return tuple(EarlierLabel(told.label, told.first) for told in self.told[1:])

    def tell(self, label: str, at: datetime) -> LabelHistory:
        """Return the history after a telling.

        >>> from datetime import UTC
        >>> one, two = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
        >>> after = LabelHistory().tell("late", two).tell("on time", one)
        >>> [told.label for told in after.told]
        ['late', 'on time']
        """
        values = {told.label: told for told in self.told}
        known = values.get(label, Told(label, at, at))
        values[label] = Told(label, min(known.first, at), max(known.last, at))
        ordered = sorted(values.values(), key=lambda told: (told.last, told.label), reverse=True)
        return LabelHistory(tuple(ordered[:KEPT]))


@dataclass(frozen=True)
class Stored:
    """What became of labels: of rows without one, of rows that had another value, said before."""

    new: tuple[Label, ...] = ()
    changed: tuple[Label, ...] = ()
    repeated: int = 0

    def to_answer(self) -> dict[str, Any]:
        """Return what whoever gave feedback is told."""
        new, changed = len(self.new), len(self.changed)
        return {"stored": new, "changed": changed, "duplicates": self.repeated}

    def to_metrics(self) -> dict[str, int]:
        """Return what CloudWatch is told."""
        new, changed = len(self.new), len(self.changed)
        return {"LabelsStored": new, "LabelsChanged": changed, "LabelsRepeated": self.repeated}

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.new + other.new, self.changed + other.changed, self.repeated + other.repeated
        )


def tell_all(history: LabelHistory, labels: Iterable[Label]) -> tuple[LabelHistory, Stored]:
    """Return the history of one row after its `labels`, and what became of each."""
    stored = Stored()
    for label in labels:
        after = history.tell(label.label, label.received_at)
        stored += _became(label, history, after)
        history = after
    return history, stored


def _became(label: Label, before: LabelHistory, after: LabelHistory) -> Stored:
    if before.current is None:
        return Stored(new=(label,))
    if [told.label for told in before.told] == [told.label for told in after.told]:
        return Stored(repeated=1)
    return Stored(changed=(label,))
