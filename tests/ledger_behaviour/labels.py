"""What becomes of labels that are told again, told otherwise, late, or by two at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from tests.fakes.windows import NOON, label
from tidegate.windows.fields import LONGEST_TEXT
from tidegate.windows.label_history import KEPT, Stored
from tidegate.windows.ledger import Ledger
from tidegate.windows.values import EarlierLabel, Label

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def told(text: str, day: int, *, row: int = 0, receipt: str = "a") -> Label:
    return replace(label(receipt, row, text=text), received_at=NOON + day * DAY)


def read(ledger: Ledger) -> tuple[Label, ...]:
    return ledger.labels("ferry-delay", NOON, NOON + HOUR)


def counts(stored: Stored) -> tuple[int, int, int]:
    return len(stored.new), len(stored.changed), stored.repeated


def test_the_same_label_again_changes_nothing_that_is_read(ledger: Ledger) -> None:
    assert counts(ledger.put_labels([told("late", 1)])) == (1, 0, 0)
    assert counts(ledger.put_labels([told("late", 2)])) == (0, 0, 1)
    assert read(ledger) == (told("late", 1),)


def test_the_last_label_of_a_row_wins_and_the_former_is_kept(ledger: Ledger) -> None:
    ledger.put_labels([told("late", 1), told("late", 1, row=1)])
    stored = ledger.put_labels([told("on time", 2)])
    assert stored == Stored(changed=(told("on time", 2),))
    first, second = read(ledger)
    assert first == replace(told("on time", 2), earlier=(EarlierLabel("late", NOON + DAY),))
    assert second == told("late", 1, row=1)


def test_a_batch_tells_of_each_label_what_became_of_it(ledger: Ledger) -> None:
    ledger.put_labels([told("late", 1), told("late", 1, row=1)])
    batch = [told("late", 2), told("on time", 2, row=1), told("late", 2, row=2)]
    assert counts(ledger.put_labels(batch)) == (1, 1, 1)


@pytest.mark.parametrize(
    "order", list(permutations([("late", 1), ("on time", 2), ("early", 3), ("on time", 4)]))[::4]
)
def test_the_order_of_arrival_decides_nothing(
    ledger: Ledger, order: Sequence[tuple[str, int]]
) -> None:
    for text, day in order:
        ledger.put_labels([told(text, day)])
    earlier = (EarlierLabel("early", NOON + 3 * DAY), EarlierLabel("late", NOON + DAY))
    assert read(ledger) == (replace(told("on time", 2), earlier=earlier),)


@pytest.mark.parametrize("order", [("late", "on time"), ("on time", "late")])
def test_of_one_moment_the_greater_text_wins(ledger: Ledger, order: Sequence[str]) -> None:
    for text in order:
        ledger.put_labels([told(text, 1)])
    assert [one.label for one in read(ledger)] == ["on time"]


def test_a_label_that_changes_back_counts_as_changed(ledger: Ledger) -> None:
    for day, text in enumerate(("late", "on time")):
        ledger.put_labels([told(text, day)])
    assert counts(ledger.put_labels([told("late", 3)])) == (0, 1, 0)
    assert [one.label for one in read(ledger)] == ["late"]


def test_a_history_is_bounded(ledger: Ledger) -> None:
    for day in range(KEPT + 3):
        ledger.put_labels([told(f"{day}.0", day)])
    (found,) = read(ledger)
    assert found.label == f"{KEPT + 2}.0"
    assert [one.label for one in found.earlier] == [f"{KEPT + 1 - i}.0" for i in range(KEPT - 1)]


def test_a_receipt_of_many_rows_is_corrected_as_a_whole(ledger: Ledger) -> None:
    rows = range(250)
    assert counts(ledger.put_labels([told("late", 1, row=row) for row in rows])) == (250, 0, 0)
    assert counts(ledger.put_labels([told("early", 2, row=row) for row in rows])) == (0, 250, 0)
    assert {one.label for one in read(ledger)} == {"early"}


def test_the_newest_labels_are_those_of_whole_receipts(ledger: Ledger) -> None:
    for minute, receipt in enumerate("abc"):
        at = NOON + minute * timedelta(minutes=1)
        rows = [
            replace(told("late", 1, row=row, receipt=receipt), predicted_at=at) for row in range(90)
        ]
        ledger.put_labels(rows)
    for newest, receipts in ((1, "c"), (90, "c"), (91, "bc"), (300, "abc")):
        found = ledger.labels("ferry-delay", NOON, NOON + HOUR, newest=newest)
        assert ({one.receipt for one in found}, len(found)) == (set(receipts), 90 * len(receipts))


@pytest.mark.parametrize(("width", "rows"), [(1, 1000), (50, 1000), (1000, 100), (10_000, 3)])
def test_a_receipt_of_wide_answers_is_stored_as_a_whole(
    ledger: Ledger, width: int, rows: int
) -> None:
    score = (-1.2345678901234567e-100,) * width  # as long as a number becomes
    batch = [replace(told("late", 1, row=row), score=score) for row in range(rows)]
    assert counts(ledger.put_labels(batch)) == (rows, 0, 0)
    assert list(read(ledger)) == batch


def test_long_labels_that_change_again_and_again_are_stored(ledger: Ledger) -> None:
    for day in range(KEPT + 1):
        text = f"{day}" + "\x01" * (LONGEST_TEXT - 1)  # six bytes each
        changed = ledger.put_labels([told(text, day, row=row) for row in range(100)])
        assert counts(changed) == ((100, 0, 0) if day == 0 else (0, 100, 0))
    assert {len(one.earlier) for one in read(ledger)} == {KEPT - 1}


def test_many_writers_of_one_row_agree_whoever_is_last(ledger: Ledger, crowd: int) -> None:
    batches = [[told(f"{n}.0", n, row=row) for row in (0, 1)] for n in range(crowd)]
    with ThreadPoolExecutor(crowd) as pool:
        stored = list(pool.map(ledger.put_labels, batches))
    assert sum(len(one.new) for one in stored) == 2
    assert [one.label for one in read(ledger)] == [f"{crowd - 1}.0"] * 2
