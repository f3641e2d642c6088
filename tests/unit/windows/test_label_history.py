"""Histories of labels are the same in whatever order they were told, and delays are in short."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.windows import NOON, label
from tidegate.errors import CorruptRecordError, RecordError
from tidegate.windows.fields import LONGEST_TEXT
from tidegate.windows.label_codec import (
    entry_to_json,
    head_to_json,
    history_from_json,
    label_from_json,
)
from tidegate.windows.label_delay import Delay, delay_of, sampled_delays
from tidegate.windows.label_history import KEPT, LabelHistory, Told
from tidegate.windows.values import EarlierLabel, Label

DAY = timedelta(days=1)
Pairs = list[tuple[str, int]]
tellings = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "ä"]), st.integers(0, 9)), min_size=1, max_size=12
)


def told(*pairs: tuple[str, int]) -> LabelHistory:
    history = LabelHistory()
    for text, day in pairs:
        history = history.tell(text, NOON + day * DAY)
    return history


@given(tellings, st.randoms())
def test_order_and_repetition_of_tellings_decide_nothing(pairs: Pairs, random: Random) -> None:
    shuffled = pairs + random.choices(pairs, k=3)
    random.shuffle(shuffled)
    assert told(*shuffled) == told(*pairs)


@given(tellings)
def test_the_greatest_moment_then_the_greatest_text_counts(pairs: Pairs) -> None:
    day, text = max((day, text) for text, day in pairs)
    current = told(*pairs).told[0]
    assert (current.label, current.last) == (text, NOON + day * DAY)


@given(tellings)
def test_a_history_comes_back_as_it_was_written(pairs: Pairs) -> None:
    history = told(*pairs)
    entry = entry_to_json(label(), history)
    assert history_from_json(entry) == history
    read = label_from_json(head_to_json(label()), row=0, entry=entry)
    assert (read.label, read.earlier) == (history.told[0].label, history.earlier)


def test_values_told_least_lately_are_forgotten() -> None:
    history = told(*((str(day), day) for day in range(KEPT + 2)))
    assert [one.label for one in history.told] == [str(KEPT + 1 - i) for i in range(KEPT)]


def test_earlier_values_say_when_they_were_first_told() -> None:
    history = told(("a", 1), ("a", 2), ("b", 3))
    assert history.told[1] == Told("a", NOON + DAY, NOON + 2 * DAY)
    assert history.earlier == (EarlierLabel("a", NOON + DAY),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("earlier", {}),
        ("earlier", [["a"]]),
        ("earlier", [["a", "soon", "soon"]]),
        ("earlier", [["", "2026-11-20T10:00Z", "2026-11-20T10:00Z"]]),
        ("earlier", [[1, "2026-11-20T10:00Z", "2026-11-20T10:00Z"]]),
        ("last", 3),
        ("late", 1),
    ],
    ids=str,
)
def test_a_planted_history_is_refused(name: str, value: object) -> None:
    entry = json.dumps(json.loads(entry_to_json(label())) | {name: value})
    with pytest.raises(CorruptRecordError, match=name):
        label_from_json(head_to_json(label()), row=0, entry=entry)


@pytest.mark.parametrize("length", [0, LONGEST_TEXT + 1])
def test_a_label_that_could_not_be_read_back_is_not_written(length: int) -> None:
    with pytest.raises(RecordError, match="1 to 200 characters"):
        entry_to_json(replace(label(), label="x" * length))


def after(seconds: float) -> Label:
    return replace(label(), received_at=NOON + timedelta(seconds=seconds))


def test_delays_are_told_by_median_and_nine_tenths() -> None:
    assert delay_of([]) is None
    assert delay_of([after(7)]) == Delay(7.0, 7.0)
    assert delay_of([after(10 - i) for i in range(10)]) == Delay(5.0, 9.0)
    assert delay_of([after(-3)]) == Delay(0.0, 0.0)


def test_of_many_delays_an_even_sample_is_kept() -> None:
    assert sampled_delays([after(2), after(1)]) == [1.0, 2.0]
    found = sampled_delays([after(i) for i in range(1000)])
    assert (len(found), found[0], found[49], found[-1]) == (99, 0.0, 499.0, 999.0)
