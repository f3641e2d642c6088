"""Outcomes in batches that the API takes: a receipt is sent once for all its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.errors import InvalidRowsError, Problem

LABELS = 1000  # of one batch
CHARACTERS = 4_000_000  # of the receipts of one batch; a body may have 6 MB

Entry = dict[str, object]
Places = list[list[int]]  # by entry: the places of its rows among all outcomes


@dataclass(frozen=True)
class Outcome:
    """What came true of one row of an answer: the label's class, the number; None: not known."""

    receipt: str
    row: int
    label: object


def outcomes_of(rows: Sequence[tuple[str, int]], labels: Sequence[object]) -> list[Outcome]:
    """Return an outcome per row (receipt and row in it); the label of one not known yet is None.

    Raises `ValueError` unless there is a label per row, `InvalidRowsError` on infinite ones.

    >>> outcomes_of([("x.y", 0)], [1.0])
    [Outcome(receipt='x.y', row=0, label=1)]
    """
    if len(rows) != len(labels):
        raise ValueError(f"{len(labels)} labels for {len(rows)} rows")
    told = [None if _is_null(label) else _plain(label) for label in labels]
    endless = [i for i, one in enumerate(told) if isinstance(one, float) and math.isinf(one)]
    if endless:
        raise InvalidRowsError([Problem(i, "label", "must be finite") for i in endless])
    return [Outcome(*row, label) for row, label in zip(rows, told, strict=True)]


def batches(outcomes: Sequence[Outcome]) -> Iterator[tuple[list[Entry], Places]]:
    """Yield entries of one batch each, with the places of what they hold; in order of outcomes.

    Those without a label are left out.
    """
    part: dict[str, list[int]] = {}
    labels = characters = 0
    for place, outcome in enumerate(outcomes):
        if outcome.label is None:
            continue
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


def _plain(label: object) -> object:
    """Return a label as JSON has it; classes may be whole numbers, which gaps make floats."""
    plain = label.item() if hasattr(label, "item") else label
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain


def _is_null(label: object) -> bool:
    """Tell None, NaN, NaT, and pandas' NA, which is neither equal to itself nor not."""
    try:
        return label is None or bool(label != label)  # noqa: PLR0124 - NaN
    except TypeError:
        return True
