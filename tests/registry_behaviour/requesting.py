"""Requests: the same id gets the same answer, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.faulty_store import FaultyStore, InterruptedCommitError
from tests.fakes.made import START, digest, draft, later, release
from tests.fakes.signer import FakeSigner
from tests.registry_behaviour.registering import book_of
from tidegate.errors import RequestError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import DriftReport, Version

LEASE = timedelta(minutes=1)
Ask = Callable[[Registry, datetime], Any]
REPORT = DriftReport("iris", "2026-11-22T09:00:00.000Z", "drift", True, 1.5, ("age",), 90)

COMMANDS: dict[str, Ask] = {
    "ensure_model": lambda book, at: book.ensure_model(
        "iris", owner="bob", at=at, actor="ann", request_id="q"
    ),
    "push_code": lambda book, at: book.push_code(
        "iris", digest=digest("f"), at=at, actor="ann", request_id="q"
    ),
    "reserve": lambda book, at: book.reserve("iris", draft("f"), at=at, actor="t", request_id="q"),
    "fail_version": lambda book, at: book.fail_version(
        "iris", number=3, at=at, actor="sweep", reason="it died", request_id="q"
    ),
    "approve": lambda book, at: book.approve(
        "iris", number=2, at=at, actor="ann", override="it will do", request_id="q"
    ),
    "quarantine": lambda book, at: book.quarantine(
        "iris", number=1, at=at, actor="ann", reason="bad data", request_id="q"
    ),
    "begin_release": lambda book, at: book.begin_release(
        release("r-1", 1), lease=LEASE, at=at, request_id="q"
    ),
    "report_drift": lambda book, at: book.report_drift(REPORT, at=at, request_id="q"),
    "note": lambda book, at: book.note("iris", kind="Decided", act=Act(at, "ann", "", "q")),
}


def furnished(store: RegistryStore) -> Registry:
    """Return a registry with an approved, a candidate and a pending version."""
    book, signer = book_of(store), FakeSigner()
    book.register("iris", draft(), signer, at=START, actor="t", request_id="run-1")
    poor = draft("b", passed=False)
    book.register("iris", poor, signer, at=START, actor="t", request_id="run-2")
    book.reserve("iris", draft("c"), at=START, actor="t", request_id="run-3")
    return book


@pytest.mark.parametrize("ask", COMMANDS.values(), ids=COMMANDS)
def test_a_request_that_comes_five_times_is_answered_alike_and_done_once(
    store: RegistryStore, ask: Ask
) -> None:
    book = furnished(store)
    rev = book.meta("iris").rev
    precise = START + timedelta(microseconds=123_456)  # a real clock's; a stamp has milliseconds
    answers = [ask(book, precise + timedelta(hours=n)) for n in range(5)]
    assert answers == [answers[0]] * 5
    assert book.meta("iris").rev == rev + 1


@pytest.mark.parametrize("how", ["lost", "echo"])
@pytest.mark.parametrize("ask", COMMANDS.values(), ids=COMMANDS)
def test_a_request_whose_answer_was_lost_is_done_once(
    store: RegistryStore, ask: Ask, how: Any
) -> None:
    faulty = FaultyStore(store)
    book = furnished(faulty)  # type: ignore[arg-type]
    rev = book.meta("iris").rev
    faulty.faults.append(how)
    precise = START + timedelta(microseconds=123_456)
    if how == "lost":
        with pytest.raises(InterruptedCommitError):
            ask(book, precise)
        first = ask(book, precise)
    else:
        first = ask(book, precise)
    assert ask(book, precise + LEASE) == first
    assert book.meta("iris").rev == rev + 1


def test_a_command_without_an_id_knows_its_own_event_again(store: RegistryStore) -> None:
    faulty = FaultyStore(store)
    book = furnished(faulty)  # type: ignore[arg-type]
    rev = book.meta("iris").rev
    faulty.faults.append("echo")
    book.note("iris", kind="Decided", act=Act(START + timedelta(microseconds=987_654), "ann"))
    assert book.meta("iris").rev == rev + 1


def test_one_request_in_many_threads_makes_one_version(store: RegistryStore) -> None:
    book, signer = book_of(store), FakeSigner()

    def register(index: int) -> Version:
        return book.register(
            "iris", draft(), signer, at=later(index), actor="t", request_id="run-1"
        )

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(register, range(16)))
    assert answers == [answers[0]] * 16
    kinds = [event.kind for event in book.events("iris")]
    assert kinds == ["ModelCreated", "VersionReserved", "VersionRegistered", "VersionApproved"]


def test_the_answer_is_the_one_of_then(store: RegistryStore) -> None:
    book = furnished(store)
    begun = COMMANDS["begin_release"](book, START)
    moved = replace(begun, function_version="7", weight=50)
    book.advance_release(moved, kind="WeightShifted", at=START, request_id="w")
    ended = replace(moved, state="promoted", weight=100)
    book.finish_release(ended, at=later(5), request_id="f")
    assert COMMANDS["begin_release"](book, later(600)) == begun
    assert book.advance_release(moved, kind="WeightShifted", at=later(600), request_id="w") == moved
    again = book.finish_release(ended, at=later(600), request_id="f")
    assert again == replace(ended, finished=later(5))


OTHERS: dict[str, Ask] = {
    "another owner": lambda book, at: book.ensure_model(
        "iris", owner="eve", at=at, actor="ann", request_id="q"
    ),
    "other code": lambda book, at: book.push_code(
        "iris", digest=digest("0"), at=at, actor="ann", request_id="q"
    ),
    "another package": lambda book, at: book.reserve(
        "iris", draft("0"), at=at, actor="t", request_id="q"
    ),
    "other inputs": lambda book, at: book.reserve(
        "iris", replace(draft("f"), inputs=()), at=at, actor="t", request_id="q"
    ),
    "other metrics": lambda book, at: book.reserve(
        "iris", replace(draft("f"), metrics={"auc": 0.99}), at=at, actor="t", request_id="q"
    ),
    "another version": lambda book, at: book.quarantine(
        "iris", number=2, at=at, actor="ann", reason="bad data", request_id="q"
    ),
    "another release": lambda book, at: book.begin_release(
        release("r-2", 1), lease=LEASE, at=at, request_id="q"
    ),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_the_same_id_cannot_ask_for_something_else(store: RegistryStore, other: Ask) -> None:
    book = furnished(store)
    for verb in ("ensure_model", "push_code", "reserve", "begin_release", "quarantine"):
        COMMANDS[verb](book, START)
    events, versions = book.events("iris"), book.versions("iris")
    with pytest.raises(RequestError, match=":q' of 'iris' was answered before"):
        other(book, START)
    assert (book.events("iris"), book.versions("iris")) == (events, versions)


def test_the_end_of_a_release_with_quarantine_is_another_request(store: RegistryStore) -> None:
    book = furnished(store)
    begun = book.begin_release(release("r-1", 1), lease=LEASE, at=START)
    ended = replace(begun, state="rolled_back")
    book.finish_release(ended, at=START, request_id="q")
    with pytest.raises(RequestError, match="asked for something else"):
        book.finish_release(ended, at=START, quarantine=True, request_id="q")
    assert book.version("iris", 1).status == "approved"


def test_a_request_that_failed_may_be_sent_again(store: RegistryStore) -> None:
    book = furnished(store)
    with pytest.raises(Exception, match="failed its gates"):
        book.approve("iris", number=2, at=START, actor="ann", request_id="q")
    approved = book.approve("iris", number=2, at=START, actor="b", override="ok", request_id="q")
    assert approved.status == "approved"
