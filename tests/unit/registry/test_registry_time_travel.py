"""Any moment finds its event: the log is searched by halves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.made import PATIENT, START, later
from tests.fakes.registry_store import FakeRegistryStore
from tidegate.errors import NotFoundError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.replay import replay
from tidegate.registry.values import Event, Serving

DAY = timedelta(days=1)


class CountingStore(FakeRegistryStore):
    """Counts the events that are read one by one."""

    looks = 0

    def read(self, kind: type[Any], model: str, key: str = "") -> Any:
        self.looks += kind is Event
        return super().read(kind, model, key)


def logged(seconds: Sequence[float], store: FakeRegistryStore | None = None) -> Registry:
    """Return a registry with an event at each of these times; the first one makes the model."""
    book = Registry(store or FakeRegistryStore(), FakeAnnouncer(), retries=PATIENT)
    book.ensure_model("iris", owner="ann", at=later(seconds[0]), actor="ann")
    for second in seconds[1:]:
        book.note("iris", kind="Noted", act=Act(later(second), "ann"))
    return book


def found(book: Registry, second: float) -> int:
    event = book.at("iris", later(second))
    return event.sequence if event else 0


def test_one_event_is_found_from_its_time_on() -> None:
    book = logged([5])
    assert [found(book, second) for second in (4.999, 5, 5.001, 1e9)] == [0, 1, 1, 1]


def test_of_events_at_one_time_the_last_is_found() -> None:
    book = logged([1, 2, 2, 2, 3])
    assert [found(book, second) for second in (0, 1, 1.999, 2, 2.001, 3, 9)] == [
        0, 1, 1, 4, 4, 5, 5,
    ]  # fmt: skip


def test_a_clock_that_lags_behind_does_not_turn_the_log_round() -> None:
    book = logged([10, 3, 7, 11])
    assert [event.at for event in book.events("iris")] == [later(s) for s in (10, 10, 10, 11)]
    assert [found(book, second) for second in (9, 10, 11)] == [0, 3, 4]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=12), st.integers(-1, 9))
def test_the_search_by_halves_finds_what_a_scan_finds(seconds: list[int], second: int) -> None:
    book = logged(seconds)
    until = [event for event in book.events("iris") if event.at <= later(second)]
    assert book.at("iris", later(second)) == (until[-1] if until else None)


def test_a_long_log_takes_few_looks() -> None:
    store = CountingStore()
    book = logged(range(300), store)
    for second in (-1, 0, 128, 299, 1e6):
        store.looks = 0
        book.at("iris", later(second))
        assert store.looks <= 9, second


def test_a_model_that_nobody_knows_has_no_past() -> None:
    with pytest.raises(NotFoundError, match="no model 'rose'"):
        logged([0]).at("rose", START)


def test_nothing_happened_before_the_first_event() -> None:
    book = logged([0])
    assert book.at("iris", START - DAY) is None
    assert replay([]) == Serving()
