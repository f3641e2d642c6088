"""The log: what traffic did at any time, told from the events and from the rows alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.made import START, later, release
from tests.registry_behaviour.releasing import promote, with_versions
from tidegate.errors import RequestError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act, Evidence
from tidegate.registry.replay import replay
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Serving


def told(store: RegistryStore) -> Registry:
    """Return a registry with two promotions, a roll-back, a move back and an open canary."""
    book = with_versions(store, 3)
    promote(book, "r-1", 1, at=10, function="2")
    promote(book, "r-2", 2, at=20, function="3")
    begun = book.begin_release(release("r-3", 3), lease=timedelta(minutes=1), at=later(30))
    book.advance_release(replace(begun, weight=10), kind="WeightShifted", at=later(31))
    book.finish_release(replace(begun, state="rolled_back", weight=0), at=later(32))
    book.move_champion("iris", version=1, at=later(40), actor="ann", reason="complaints")
    begun = book.begin_release(release("r-4", 3), lease=timedelta(minutes=1), at=later(50))
    moved = replace(begun, weight=25, function_version="5")
    book.advance_release(moved, kind="WeightShifted", at=later(51))
    return book


def test_the_log_alone_tells_what_traffic_does(store: RegistryStore) -> None:
    book = told(store)
    events = book.events("iris")
    for count, event in enumerate(events, start=1):
        assert replay(events[:count]) == event.serving
    assert replay(events) == book.meta("iris").serving == Serving(1, "r-1", "2", 3, "r-4", 25)


def test_any_time_has_its_event(store: RegistryStore) -> None:
    book = told(store)
    events = book.events("iris")
    day = timedelta(days=1)
    moments = {e.at + timedelta(milliseconds=ms) for e in events for ms in (-1, 0, 1)}
    for moment in sorted(moments | {START - day, START + 99 * day}):
        until = [event for event in events if event.at <= moment]
        assert book.at("iris", moment) == (until[-1] if until else None)


def test_reigns_tell_who_was_champion_from_when(store: RegistryStore) -> None:
    book = told(store)
    reigns = book.history("iris")
    assert [(one.version, one.release, one.function_version, one.since) for one in reigns] == [
        (1, "r-1", "2", later(40)),
        (2, "r-2", "3", later(20)),
        (1, "r-1", "2", later(10)),
    ]
    assert reigns[0].reason == "complaints"
    statuses = [version.status for version in book.versions("iris")]
    assert statuses == ["approved", "retired", "champion"]  # 3, 2, 1
    assert book.history("iris", limit=1) == reigns[:1]


def test_the_newest_events_come_first(store: RegistryStore) -> None:
    book = told(store)
    events = book.events("iris")
    assert book.newest_events("iris", limit=4) == events[:-5:-1]
    assert book.events("iris", after=len(events) - 2) == events[-2:]


@pytest.mark.parametrize(
    ("kind", "subject", "evidence"),
    [
        ("ReleasePromoted", "release:r-9", {"version": 3}),
        ("ReleaseStarted", "release:r-9", {"version": 3}),
        ("ReleaseFailed", "release:r-4", {}),
        ("ChampionMoved", "version:2", {"version": 2, "release": "r-2"}),
        ("WeightShifted", "release:r-4", {"weight": 100}),
    ],
)
def test_a_note_can_not_tell_of_traffic(
    store: RegistryStore, kind: str, subject: str, evidence: Evidence
) -> None:
    book = told(store)
    events, act = book.events("iris"), Act(later(60), "mallory", "for fun")
    with pytest.raises(RequestError, match=f"{kind} of {subject}: the log would tell"):
        book.note("iris", kind=kind, act=act, subject=subject, evidence=evidence)
    assert book.events("iris") == events
