"""Commits: all or nothing, on the revision that was read, and what is read back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from tests.fakes.made import START, digest, release, run, version
from tidegate.errors import ImmutableError, RegistryConflictError
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Event, Meta, Pointer, Release, Run, Signature, Version


def event(sequence: int, kind: str = "Noted") -> Event:
    return Event("iris", sequence, kind, START, "ann", "because")


def head(rev: int, counter: int = 0) -> Meta:
    return Meta("iris", "ann", rev, counter)


def test_what_is_committed_is_read_back(store: RegistryStore) -> None:
    pointer = Pointer("iris", "champion", "1", 1, START, "r-1")
    store.commit(head(1, 1), [version(), release(), pointer, run()], event(1))
    assert store.read(Meta, "iris") == head(1, 1)
    assert store.read(Version, "iris", "1") == version()
    assert store.read(Release, "iris", "r-1") == release()
    assert store.read(Pointer, "iris", "champion") == pointer
    assert store.events("iris") == (event(1),)
    assert store.models() == ("iris",)


def test_what_was_never_written_is_none(store: RegistryStore) -> None:
    assert store.read(Meta, "iris") is None
    assert store.newest(Version, "iris") == ()
    assert store.events("iris") == ()
    assert store.models() == ()


def test_of_a_hundred_promotions_on_one_revision_exactly_one_wins(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))

    def promote(rev: int, number: int) -> bool:
        pointer = Pointer("iris", "champion", str(number), 1, START)
        try:
            store.commit(head(rev), [pointer], event(rev, "ChampionMoved"))
        except RegistryConflictError:
            return False
        return True

    for rev in range(2, 7):
        with ThreadPoolExecutor(100) as pool:
            won = list(pool.map(partial(promote, rev), range(1, 101)))
        assert sum(won) == 1
        pointer = store.read(Pointer, "iris", "champion")
        assert pointer is not None
        assert won[int(pointer.target) - 1]
        assert store.read(Meta, "iris") == head(rev)
        assert len(store.events("iris")) == rev


def test_a_model_is_created_once(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))
    with pytest.raises(RegistryConflictError):
        store.commit(replace(head(1), owner="eve"), [], event(1))
    assert store.read(Meta, "iris") == head(1)


def test_a_lost_commit_writes_nothing_at_all(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))
    with pytest.raises(RegistryConflictError):
        store.commit(head(3), [version()], event(3))
    assert store.read(Version, "iris", "1") is None
    assert len(store.events("iris")) == 1


def test_the_same_version_with_other_content_is_refused(store: RegistryStore) -> None:
    store.commit(head(1), [version()], event(1))
    with pytest.raises(ImmutableError):
        store.commit(head(2), [version(package_digest=digest("f"))], event(2))
    assert store.read(Version, "iris", "1") == version()
    assert store.read(Meta, "iris") == head(1)


def test_the_status_of_a_version_may_change(store: RegistryStore) -> None:
    store.commit(head(1), [version()], event(1))
    store.commit(head(2), [version(status="approved")], event(2))
    found = store.read(Version, "iris", "1")
    assert found is not None
    assert found.status == "approved"


def test_newest_comes_first_and_is_limited(store: RegistryStore) -> None:
    for number in range(1, 13):
        store.commit(head(number, number), [version(number)], event(number))
    assert [v.number for v in store.newest(Version, "iris", limit=3)] == [12, 11, 10]
    assert len(store.newest(Version, "iris")) == 12


def test_events_come_in_order_after_a_sequence(store: RegistryStore) -> None:
    for number in range(1, 13):
        store.commit(head(number), [], event(number))
    assert [e.sequence for e in store.events("iris", after=9)] == [10, 11, 12]
    assert [e.sequence for e in store.events("iris", after=2, limit=2)] == [3, 4]


def test_runs_are_found_by_their_identity(store: RegistryStore) -> None:
    wanted = run("iris-2", identity=digest("f"))
    store.commit(head(1), [run("iris-1"), wanted, version(package_digest=digest("f"))], event(1))
    assert store.with_digest(Run, digest("f")) == (wanted,)
    assert store.with_digest(Run, digest("0")) == ()


def test_models_are_kept_apart(store: RegistryStore) -> None:
    store.commit(head(1), [version()], event(1))
    other = replace(event(1), model="iris-2")
    store.commit(replace(head(1), model="iris-2"), [], other)
    assert store.newest(Version, "iris-2") == ()
    assert store.models() == ("iris", "iris-2")


def test_a_signature_is_written_once(store: RegistryStore) -> None:
    signature = Signature("iris", 1, "key-1", "ES256", "c2ln")
    store.commit(head(1), [version(), signature], event(1))
    for other in ({"value": "b3Ro"}, {"key": "key-2"}, {"algorithm": "none"}):
        with pytest.raises(ImmutableError):
            store.commit(head(2), [replace(signature, **other)], event(2))
    assert store.read(Signature, "iris", "1") == signature


def test_an_event_is_written_once(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))
    with pytest.raises(ImmutableError):
        store.commit(head(2), [], event(1))
    assert store.read(Meta, "iris") == head(1)
