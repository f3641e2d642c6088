"""Outcomes in batches that the API takes: a receipt is sent once for all its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LABELS = 1000  # of one batch
CHARACTERS = 4_000_000  # of the receipts of one batch; a body may have 6 MB

Entry = dict[str, object]
Places = list[list[int]]  # by entry: the places of its rows among all outcomes


@dataclass(frozen=True)
class Outcome:
    """What came true of one row of an answer: the label's class, or the number."""

    receipt: str
    row: int
    label: object


def batches(outcomes: Sequence[Outcome]) -> Iterator[tuple[list[Entry], Places]]:
    """Yield entries of one batch each, with the places of what they hold; in order of outcomes."""
    part: dict[str, list[int]] = {}
    labels = characters = 0
    for place, outcome in enumerate(outcomes):
        more = 0 if outcome.receipt in part else len(outcome.receipt)
        if labels == LABELS or (part and characters + more > CHARACTERS):
            yield _batch(part, outcomes)
            part, labels, characters, more = {}, 0, 0, len(outcome.receipt)
        part.setdefault(outcome.receipt, []).append(place)
        labels, characters = labels + 1, characters + more
    if part:
        yield _batch(part, outcomes)


def _batch(part: dict[str, list[int]], outcomes: Sequence[Outcome]) -> tuple[list[Entry], Places]:
    entries: list[Entry] = [
        {
            "receipt": receipt,
            "rows": [outcomes[place].row for place in places],
            "labels": [outcomes[place].label for place in places],
        }
        for receipt, places in part.items()
    ]
    return entries, list(part.values())
