"""Versions: numbered once, approved by gates or by a person with a reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.made import START, digest, draft, later, registry
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tidegate.errors import (
    IllegalTransitionError,
    NotFoundError,
    RegistryConflictError,
    ReleaseRefusedError,
    RequestError,
)
from tidegate.registry.book import Registry
from tidegate.registry.retries import Retries
from tidegate.registry.rules import MOVES


def test_a_version_whose_gates_passed_is_approved_at_once() -> None:
    book, announcer = registry()
    version = book.register(
        "iris", draft(), FakeSigner(), at=START, actor="train", request_id="run-1"
    )
    assert (version.number, version.status) == (1, "approved")
    assert announcer.kinds == [
        "ModelCreated",
        "VersionReserved",
        "VersionRegistered",
        "VersionApproved",
    ]
    assert book.version("iris", 1) == version


def test_a_version_whose_gates_failed_stays_a_candidate() -> None:
    book, _ = registry()
    version = book.register(
        "iris", draft(passed=False), FakeSigner(), at=START, actor="t", request_id="run-1"
    )
    assert version.status == "candidate"


def test_the_same_request_five_times_makes_one_version() -> None:
    book, announcer = registry()
    answers = {
        book.register(
            "iris", draft(), FakeSigner(), at=later(i), actor="t", request_id="run-1"
        ).number
        for i in range(5)
    }
    assert answers == {1}
    assert len(book.versions("iris")) == 1
    assert announcer.kinds.count("VersionRegistered") == 1


def test_a_hundred_threads_get_a_hundred_numbers() -> None:
    book, _ = registry()
    with ThreadPoolExecutor(16) as pool:
        versions = list(
            pool.map(
                lambda i: book.register(
                    "iris",
                    draft(passed=False),
                    FakeSigner(),
                    at=START,
                    actor="t",
                    request_id=f"run-{i}",
                ),
                range(100),
            )
        )
    assert sorted(v.number for v in versions) == list(range(1, 101))
    assert book.meta("iris").counter == 100


def test_two_conflicts_then_success_write_one_version_after_jittered_waits() -> None:
    store, waits = FakeRegistryStore(), []
    registry(store)
    patience = Retries(attempts=5, base=0.1, cap=9, sleep=waits.append, chance=lambda: 0.5)
    store.busy = 2
    book = Registry(store, registry()[1], retries=patience)
    book.register(
        "iris", draft(passed=False), FakeSigner(), at=START, actor="t", request_id="run-1"
    )
    assert waits == [0.05, 0.1]
    assert len(book.versions("iris")) == 1


def test_endless_conflicts_end_in_a_conflict_error() -> None:
    store = FakeRegistryStore()
    registry(store)
    store.busy = 99
    book = Registry(
        store, registry()[1], retries=Retries(attempts=3, sleep=lambda _: None, chance=lambda: 0.0)
    )
    with pytest.raises(RegistryConflictError):
        book.push_code("iris", digest=digest("a"), at=START, actor="ann")


def test_approving_failed_gates_takes_a_reason() -> None:
    book, announcer = registry()
    book.register(
        "iris", draft(passed=False), FakeSigner(), at=START, actor="t", request_id="run-1"
    )
    with pytest.raises(ReleaseRefusedError, match="failed its gates"):
        book.approve("iris", number=1, at=START, actor="ann")
    with pytest.raises(ReleaseRefusedError):
        book.approve("iris", number=1, at=START, actor="ann", override="  ")
    approved = book.approve("iris", number=1, at=START, actor="ann", override="demo of a bad one")
    event = announcer.events[-1]
    assert approved.status == "approved"
    assert (event.reason, event.evidence["override"]) == ("demo of a bad one", True)


def test_a_quarantined_version_cannot_be_approved() -> None:
    book, _ = registry()
    book.register(
        "iris", draft(passed=False), FakeSigner(), at=START, actor="t", request_id="run-1"
    )
    book.quarantine("iris", number=1, at=START, actor="ann", reason="poisoned data")
    with pytest.raises(IllegalTransitionError, match="quarantined and can't become approved"):
        book.approve("iris", number=1, at=START, actor="ann", override="please")


def test_every_status_can_only_go_where_the_rules_say() -> None:
    assert all(target in MOVES for targets in MOVES.values() for target in targets)
    assert MOVES["quarantined"] == frozenset()
    assert "quarantined" not in MOVES["champion"]


@pytest.mark.parametrize(
    "name",
    ["../x", "%2e%2e", "%252e", "a#b", "a\0b", "\u202eabc", "ﬁsh", "a" * 300, "iris\n", "", "A"],
)
def test_a_bad_model_name_is_refused_and_writes_nothing(name: str) -> None:
    store = FakeRegistryStore()
    book = Registry(store, registry()[1])
    for command in (
        lambda: book.ensure_model(name, owner="ann", at=START, actor="ann"),
        lambda: book.register(name, draft(), FakeSigner(), at=START, actor="t", request_id="r"),
        lambda: book.versions(name),
    ):
        with pytest.raises(RequestError, match="model name"):
            command()
    assert store.items == {}


def test_an_unknown_model_or_version_is_named() -> None:
    book, _ = registry()
    with pytest.raises(NotFoundError, match="no model 'rose'"):
        book.register("rose", draft(), FakeSigner(), at=START, actor="t", request_id="r")
    with pytest.raises(NotFoundError, match="'iris' has no version 7"):
        book.version("iris", 7)


def test_the_same_code_again_is_no_event() -> None:
    book, announcer = registry()
    for _ in range(3):
        book.push_code("iris", digest=digest("c"), at=START, actor="ann")
    book.push_code("iris", digest=digest("d"), at=START, actor="ann")
    assert announcer.kinds.count("CodePushed") == 2
    pointer = book.pointer("iris", "code")
    assert pointer is not None
    assert (pointer.target, pointer.rev) == (digest("d"), 2)


def test_a_new_owner_is_recorded_and_the_old_one_in_the_evidence() -> None:
    book, announcer = registry()
    book.ensure_model("iris", owner="ann", at=START, actor="ann")
    book.ensure_model("iris", owner="bob", at=START, actor="ann")
    assert book.meta("iris").owner == "bob"
    assert announcer.kinds == ["ModelCreated", "OwnerChanged"]
    assert book.models() == ("iris",)


def test_events_are_numbered_without_gaps_and_tell_everything() -> None:
    book, announcer = registry()
    for i in range(5):
        book.register("iris", draft(), FakeSigner(), at=START, actor="t", request_id=f"run-{i}")
    stored = book.events("iris")
    assert [e.sequence for e in stored] == list(range(1, 17))
    assert list(stored) == announcer.events
    assert [e.sequence for e in book.events("iris", after=14)] == [15, 16]


def test_a_model_that_nobody_knows_has_no_events() -> None:
    book, _ = registry()
    assert book.events("rose") == ()
    assert book.events("rose", until=3) == ()


def test_events_are_read_up_to_a_number() -> None:
    book, _ = registry()
    for i in range(3):
        book.push_code("iris", digest=digest("abc"[i]), at=START, actor="t")
    assert [event.sequence for event in book.events("iris", after=1, until=3)] == [2, 3]
