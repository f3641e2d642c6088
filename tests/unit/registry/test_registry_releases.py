"""Releases in the registry: one lock, tokens that only grow, statuses that move together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.made import START, draft, later, registry, release
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tidegate.errors import (
    FencedError,
    IllegalTransitionError,
    LockHeldError,
    NotFoundError,
    ReleaseRefusedError,
)
from tidegate.registry.book import Registry
from tidegate.registry.values import Event, Release

LEASE = timedelta(seconds=60)


def with_versions(count: int = 2) -> tuple[Registry, FakeAnnouncer]:
    book, announcer = registry()
    for i in range(count):
        book.register(
            "iris", draft("abcdef"[i]), FakeSigner(), at=START, actor="t", request_id=f"run-{i}"
        )
    return book, announcer


def promote(book: Registry, release_id: str, version: int, function: str) -> Release:
    begun = book.begin_release(release(release_id, version), lease=LEASE, at=START)
    published = replace(begun, function_version=function)
    published = book.advance_release(published, kind="ReleasePublished", at=START)
    return book.finish_release(
        replace(published, state="promoted", weight=100, outcome="good"), at=later(5)
    )


def test_a_promotion_moves_pointer_and_both_statuses() -> None:
    book, announcer = with_versions()
    promote(book, "r-1", 1, "2")
    promote(book, "r-2", 2, "3")
    champion = book.pointer("iris", "champion")
    assert champion is not None
    assert (champion.target, champion.release, champion.rev) == ("2", "r-2", 2)
    assert [v.status for v in book.versions("iris")] == ["champion", "retired"]
    assert announcer.kinds[-1] == "ReleasePromoted"
    assert book.pointer("iris", "challenger") is None


def test_the_second_release_remembers_what_served_before() -> None:
    book, _ = with_versions()
    promote(book, "r-1", 1, "2")
    begun = book.begin_release(release("r-2", 2), lease=LEASE, at=START)
    before = (begun.previous_version, begun.previous_release, begun.previous_function_version)
    assert before == (1, "r-1", "2")
    challenger = book.pointer("iris", "challenger")
    assert challenger is not None
    assert challenger.target == "2"


def test_a_second_release_waits_for_the_lock() -> None:
    book, _ = with_versions()
    book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    with pytest.raises(LockHeldError, match="'r-1' of 'iris' is under way until"):
        book.begin_release(release("r-2", 2), lease=LEASE, at=later(59))


def test_a_dead_holder_is_replaced_and_fenced_off() -> None:
    book, announcer = with_versions()
    old = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    new = book.begin_release(release("r-2", 2), lease=LEASE, at=later(60))
    assert new.fence == old.fence + 1
    assert announcer.events[-1].evidence["took_over"] == "r-1"
    dead = book.release("iris", "r-1")
    assert (dead.state, dead.outcome) == ("failed", "its lease ended and r-2 took over")
    for command in (
        lambda: book.check_fence(old),
        lambda: book.advance_release(replace(old, weight=10), kind="WeightShifted", at=later(61)),
        lambda: book.finish_release(replace(old, state="promoted"), at=later(61)),
    ):
        with pytest.raises(FencedError, match="'r-2' does"):
            command()


def test_the_token_alone_fences_off() -> None:
    store = FakeRegistryStore()
    book, _ = registry(store)
    book.register("iris", draft(), FakeSigner(), at=START, actor="t", request_id="run-1")
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    head, lock = book.meta("iris"), book.lock("iris")
    assert lock is not None
    stolen = replace(lock, holder="r-9", token=lock.token + 1)
    event = Event("iris", head.rev + 1, "Stolen", START, "eve", "")
    store.commit(replace(head, rev=head.rev + 1), [stolen], event)
    with pytest.raises(FencedError, match="'r-9' does"):
        book.check_fence(begun)
    with pytest.raises(FencedError, match="lost its lock"):
        book.begin_release(release("r-1", 1), lease=LEASE, at=START)


def test_a_sign_of_life_renews_the_lease() -> None:
    book, _ = with_versions()
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    book.advance_release(replace(begun, weight=10), kind="WeightShifted", at=later(50))
    with pytest.raises(LockHeldError):
        book.begin_release(release("r-2", 2), lease=LEASE, at=later(100))


def test_beginning_again_after_a_crash_is_the_same_release() -> None:
    book, announcer = with_versions()
    first = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    assert book.begin_release(release("r-1", 1), lease=LEASE, at=later(9)) == first
    assert announcer.kinds.count("ReleaseStarted") == 1


def test_repeating_a_step_records_it_once() -> None:
    book, announcer = with_versions()
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    for _ in range(3):
        book.advance_release(replace(begun, weight=10), kind="WeightShifted", at=later(1))
    assert announcer.kinds.count("WeightShifted") == 1


def test_an_ended_release_cannot_begin_again() -> None:
    book, _ = with_versions()
    promote(book, "r-1", 1, "2")
    with pytest.raises(ReleaseRefusedError, match="has ended"):
        book.begin_release(release("r-1", 1), lease=LEASE, at=later(9))


def test_of_many_releases_at_once_exactly_one_begins() -> None:
    book, announcer = with_versions()

    def begin(i: int) -> bool:
        try:
            book.begin_release(release(f"r-{i}", 1 + i % 2), lease=LEASE, at=START)
        except LockHeldError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(begin, range(50))) == 1
    assert announcer.kinds.count("ReleaseStarted") == 1


@pytest.mark.parametrize("status", ["candidate", "quarantined"])
def test_only_an_approved_version_is_released(status: str) -> None:
    book, _ = registry()
    book.register(
        "iris", draft(passed=False), FakeSigner(), at=START, actor="t", request_id="run-1"
    )
    if status == "quarantined":
        book.quarantine("iris", number=1, at=START, actor="ann", reason="bad")
    with pytest.raises(ReleaseRefusedError, match=f"is {status}; only"):
        book.begin_release(release("r-1", 1), lease=LEASE, at=START)


def test_an_absent_version_is_not_released() -> None:
    book, _ = with_versions()
    with pytest.raises(NotFoundError, match="has no version 9"):
        book.begin_release(release("r-1", 9), lease=LEASE, at=START)


def test_a_version_quarantined_meanwhile_is_not_promoted() -> None:
    book, _ = with_versions()
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    book.quarantine("iris", number=1, at=START, actor="ann", reason="bad data")
    with pytest.raises(ReleaseRefusedError, match="is quarantined"):
        book.finish_release(replace(begun, state="promoted"), at=later(9))
    assert book.champion("iris") is None


@pytest.mark.parametrize(("quarantine", "status"), [(True, "quarantined"), (False, "approved")])
def test_a_rolled_back_version_is_quarantined_only_when_found_wrong(
    quarantine: bool, status: str
) -> None:
    book, announcer = with_versions()
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    ended = replace(begun, state="rolled_back", outcome="scores shifted")
    for _ in range(2):
        book.finish_release(ended, at=later(9), quarantine=quarantine)
    assert book.version("iris", 1).status == status
    assert announcer.kinds.count("ReleaseRolledBack") == 1
    book.begin_release(release("r-2", 2), lease=LEASE, at=later(10))  # the lock is free


def test_the_champion_cannot_be_quarantined() -> None:
    book, _ = with_versions()
    promote(book, "r-1", 1, "2")
    with pytest.raises(IllegalTransitionError, match="champion and can't become quarantined"):
        book.quarantine("iris", number=1, at=START, actor="ann", reason="bad")


def test_moving_back_takes_the_function_version_that_was_promoted() -> None:
    book, announcer = with_versions()
    promote(book, "r-1", 1, "2")
    promote(book, "r-2", 2, "3")
    served_by = book.move_champion("iris", version=1, at=later(9), actor="ann", reason="complaints")
    assert (served_by.id, served_by.function_version) == ("r-1", "2")
    assert [v.status for v in book.versions("iris")] == ["retired", "champion"]
    assert (announcer.kinds[-1], announcer.events[-1].reason) == ("ChampionMoved", "complaints")
    champion = book.pointer("iris", "champion")
    assert champion is not None
    assert champion.release == "r-1"


def test_moving_back_stops_a_release_under_way() -> None:
    book, _ = with_versions(3)
    promote(book, "r-1", 1, "2")
    promote(book, "r-2", 2, "3")
    busy = book.begin_release(release("r-3", 3), lease=LEASE, at=later(8))
    book.move_champion("iris", version=1, at=later(9), actor="ann", reason="complaints")
    assert book.release("iris", "r-3").state == "failed"
    with pytest.raises(FencedError):
        book.check_fence(busy)
    again = book.begin_release(release("r-4", 3), lease=LEASE, at=later(10))
    assert again.previous_release == "r-1"


def test_a_version_that_never_served_is_no_way_back() -> None:
    book, _ = with_versions()
    promote(book, "r-1", 1, "2")
    with pytest.raises(ReleaseRefusedError, match="version 2 of 'iris' was never promoted"):
        book.move_champion("iris", version=2, at=later(9), actor="ann", reason="x")


def test_moving_back_to_what_serves_changes_nothing() -> None:
    book, announcer = with_versions()
    promote(book, "r-1", 1, "2")
    before = len(announcer.events)
    assert book.move_champion("iris", version=1, at=later(9), actor="a", reason="x").id == "r-1"
    assert len(announcer.events) == before
