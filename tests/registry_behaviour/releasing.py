"""Releases: only what may serve is promoted, decided on the rows of the same commit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.faulty_store import FaultyStore
from tests.fakes.made import START, draft, later, release
from tests.fakes.signer import FakeSigner
from tests.registry_behaviour.registering import book_of
from tidegate.errors import (
    FencedError,
    LockHeldError,
    NotFoundError,
    ReleaseRefusedError,
    RequestError,
)
from tidegate.registry.book import Registry
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Release

LEASE = timedelta(minutes=1)


def with_versions(store: RegistryStore, count: int = 1) -> Registry:
    book, signer = book_of(store), FakeSigner()
    for index in range(count):
        book.register("iris", draft(), signer, at=START, actor="t", request_id=f"run-{index}")
    return book


def promote(book: Registry, name: str, version: int, at: float = 0, function: str = "2") -> Release:
    begun = book.begin_release(release(name, version), lease=LEASE, at=later(at))
    ended = replace(begun, state="promoted", weight=100, function_version=function)
    return book.finish_release(ended, at=later(at))


@pytest.mark.parametrize("status", ["pending", "failed", "candidate", "quarantined", "absent"])
def test_what_may_not_serve_is_not_released(store: RegistryStore, status: str) -> None:
    book, signer = book_of(store), FakeSigner()
    if status in ("pending", "failed"):
        book.reserve("iris", draft(), at=START, actor="t", request_id="run-1")
    elif status != "absent":
        poor = draft(passed=False)
        book.register("iris", poor, signer, at=START, actor="t", request_id="run-1")
    if status == "failed":
        book.fail_version("iris", number=1, at=START, actor="sweep", reason="it died")
    if status == "quarantined":
        book.quarantine("iris", number=1, at=START, actor="ann", reason="bad data")
    events = book.events("iris")
    error = NotFoundError if status == "absent" else ReleaseRefusedError
    with pytest.raises(error, match="has no version 1" if status == "absent" else f"is {status}"):
        book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    with pytest.raises(error):
        book.move_champion("iris", version=1, at=START, actor="ann", reason="please")
    assert book.events("iris") == events
    assert book.lock("iris") is None
    assert book.releases("iris") == ()


def test_a_version_that_is_quarantined_while_it_is_promoted_does_not_serve(
    store: RegistryStore,
) -> None:
    faulty = FaultyStore(store)
    book, rival = with_versions(faulty), book_of(store)  # type: ignore[arg-type]
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    # The promotion has been decided on; another writer is faster.
    faulty.before = lambda: rival.quarantine(
        "iris", number=1, at=START, actor="ann", reason="bad data"
    )
    with pytest.raises(ReleaseRefusedError, match="is quarantined"):
        book.finish_release(replace(begun, state="promoted", weight=100), at=START)
    assert book.version("iris", 1).status == "quarantined"
    assert book.pointer("iris", "champion") is None
    assert book.release("iris", "r-1").state == "running"
    rolled = replace(begun, state="rolled_back", outcome="quarantined meanwhile")
    assert book.finish_release(rolled, at=START, quarantine=True).state == "rolled_back"


def test_a_version_that_is_quarantined_while_its_release_begins_is_not_begun(
    store: RegistryStore,
) -> None:
    faulty = FaultyStore(store)
    book, rival = with_versions(faulty), book_of(store)  # type: ignore[arg-type]
    faulty.before = lambda: rival.quarantine(
        "iris", number=1, at=START, actor="ann", reason="bad data"
    )
    with pytest.raises(ReleaseRefusedError, match="is quarantined"):
        book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    assert book.releases("iris") == ()


def test_of_many_releases_at_once_exactly_one_begins(store: RegistryStore) -> None:
    book = with_versions(store, 2)

    def begin(index: int) -> bool:
        try:
            book.begin_release(release(f"r-{index}", 1 + index % 2), lease=LEASE, at=START)
        except LockHeldError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(begin, range(16))) == 1
    assert len(book.releases("iris")) == 1


def test_a_holder_that_was_replaced_can_do_nothing_any_more(store: RegistryStore) -> None:
    book = with_versions(store, 2)
    old = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    book.begin_release(release("r-2", 2), lease=LEASE, at=later(60))
    events = book.events("iris")
    for command in (
        lambda: book.check_fence(old),
        lambda: book.advance_release(replace(old, weight=10), kind="WeightShifted", at=later(61)),
        lambda: book.finish_release(replace(old, state="promoted"), at=later(61)),
        lambda: book.finish_release(replace(old, state="rolled_back"), at=later(61)),
    ):
        with pytest.raises(FencedError, match="'r-2' does"):
            command()
    assert book.events("iris") == events


def test_a_release_that_died_is_abandoned_once_and_fenced_off(store: RegistryStore) -> None:
    book = with_versions(store, 2)
    promote(book, "r-1", 1)
    dead = book.begin_release(release("r-2", 2), lease=LEASE, at=later(10))

    def abandon(at: float) -> Release:
        return book.abandon_release(
            "iris", release="r-2", at=later(at), actor="sweep", reason="its workflow died"
        )

    with pytest.raises(LockHeldError, match="'r-2' of 'iris' lives"):
        abandon(69.999)
    ended = abandon(70)
    assert (ended.state, ended.outcome, ended.weight) == ("failed", "its workflow died", 0)
    lock = book.lock("iris")
    assert lock is not None
    assert (lock.holder, lock.token) == ("", dead.fence + 1)
    rev = book.meta("iris").rev
    assert abandon(71) == ended
    assert book.meta("iris").rev == rev
    with pytest.raises(FencedError):
        book.finish_release(replace(dead, state="promoted"), at=later(72))
    assert book.meta("iris").serving.open_release == ""
    assert book.pointer("iris", "challenger") is None
    champion = book.champion("iris")
    assert champion is not None
    assert (champion.number, champion.status) == (1, "champion")
    following = book.begin_release(release("r-3", 2), lease=LEASE, at=later(72))
    assert following.fence > dead.fence
    with pytest.raises(NotFoundError, match="no release 'r-9'"):
        book.abandon_release("iris", release="r-9", at=START, actor="sweep", reason="?")


def test_moving_back_takes_the_release_that_served_last_whatever_the_clocks_say(
    store: RegistryStore,
) -> None:
    book = with_versions(store, 2)
    promote(book, "r-1", 1, at=300, function="2")  # by a clock that is five minutes ahead
    promote(book, "r-2", 1, at=301, function="3")
    lagging = book.begin_release(release("r-3", 1), lease=LEASE, at=later(302))
    ended = replace(lagging, state="promoted", function_version="4", weight=100)
    book.finish_release(ended, at=later(2))
    promote(book, "r-4", 2, at=303, function="5")
    back = book.move_champion("iris", version=1, at=later(304), actor="ann", reason="complaints")
    assert (back.id, back.function_version) == ("r-3", "4")
    assert book.meta("iris").serving.function_version == "4"


@pytest.mark.parametrize("state", ["promoted", "rolled_back", "failed"])
def test_a_release_does_not_end_by_a_step(store: RegistryStore, state: str) -> None:
    book = with_versions(store)
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    ended = replace(begun, state=state)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="by finish_release"):
        book.advance_release(ended, kind="WeightShifted", at=START)
    assert book.release("iris", "r-1") == begun


def test_a_version_that_was_quarantined_in_its_canary_gets_no_more_traffic(
    store: RegistryStore,
) -> None:
    book = with_versions(store, 2)
    promote(book, "r-1", 1)
    begun = book.begin_release(release("r-2", 2), lease=LEASE, at=later(10))
    at_ten = replace(begun, weight=10)
    book.advance_release(at_ten, kind="WeightShifted", at=later(11))
    book.quarantine("iris", number=2, at=later(12), actor="ann", reason="bad data")
    with pytest.raises(ReleaseRefusedError, match="is quarantined"):
        book.advance_release(replace(begun, weight=50), kind="WeightShifted", at=later(13))
    assert book.meta("iris").serving.weight == 10
    less = book.advance_release(replace(begun, weight=5), kind="WeightShifted", at=later(14))
    assert (less.weight, book.meta("iris").serving.weight) == (5, 5)
