"""Names that could leave their place are refused, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.made import START, digest, draft, release, run
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tests.registry_behaviour.registering import book_of
from tidegate.errors import RecordError, RequestError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.values import Event, Input, Run, Version

# Paths, encoded paths, separators, control and direction characters, a ligature that NFKC would
# turn into "fish", a Cyrillic twin of "iris", too long, blank, of the wrong case.
HOSTILE = {
    "parent": "../x", "encoded": "%2e%2e", "twice encoded": "%252e", "separator": "a#b",
    "NUL": "a\0b", "right to left": "\u202eabc", "NFKC twin": "\ufb01sh", "homoglyph": "\u0456ris",
    "long": "a" * 300, "newline": "iris\n", "empty": "", "blank": " ", "slash": "a/b",
    "half a pair": "a\ud800", "colon": "a:b",
}  # fmt: skip
IDS = {name: text for name, text in HOSTILE.items() if name not in ("empty", "colon")}
Ask = Callable[[Registry, str], object]


@pytest.fixture
def store() -> FakeRegistryStore:
    return FakeRegistryStore()


OF_MODELS: dict[str, Ask] = {
    "ensure_model": lambda book, name: book.ensure_model(name, owner="a", at=START, actor="a"),
    "register": lambda book, name: book.register(
        name, draft(), FakeSigner(), at=START, actor="t", request_id="r"
    ),
    "begin_release": lambda book, name: book.begin_release(
        replace(release(), model=name), lease=timedelta(1), at=START
    ),
    "note": lambda book, name: book.note(name, kind="Decided", act=Act(START, "ann")),
    "versions": lambda book, name: book.versions(name),
    "history": lambda book, name: book.history(name),
    "inputs": lambda book, name: book.inputs(name, 1),
    "signature": lambda book, name: book.signature(name, 1),
    "at": lambda book, name: book.at(name, START),
}
OF_REQUESTS: dict[str, Ask] = {
    "ensure_model": lambda book, name: book.ensure_model(
        "rose", owner="a", at=START, actor="a", request_id=name
    ),
    "push_code": lambda book, name: book.push_code(
        "iris", digest=digest("a"), at=START, actor="a", request_id=name
    ),
    "register": lambda book, name: book.register(
        "iris", draft(), FakeSigner(), at=START, actor="t", request_id=name
    ),
}
OF_RECORDS: dict[str, Ask] = {
    "a run's id": lambda book, name: book.start_run(run(name), at=START),
    "a run to read": lambda book, name: book.run("iris", name),
    "a release's id": lambda book, name: book.begin_release(
        release(name), lease=timedelta(1), at=START
    ),
    "a release to read": lambda book, name: book.release("iris", name),
    "a release to abandon": lambda book, name: book.abandon_release(
        "iris", release=name, at=START, actor="a", reason="r"
    ),
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("ask", OF_MODELS.values(), ids=OF_MODELS)
def test_a_hostile_model_name_is_refused(store: FakeRegistryStore, ask: Ask, name: str) -> None:
    with pytest.raises(RequestError, match="is no model name"):
        ask(book_of(store), name)
    assert store.models() == ("iris",)
    assert len(store.events("iris")) == 1


@pytest.mark.parametrize("name", IDS.values(), ids=IDS)
@pytest.mark.parametrize("ask", OF_REQUESTS.values(), ids=OF_REQUESTS)
def test_a_hostile_request_id_is_refused(store: FakeRegistryStore, ask: Ask, name: str) -> None:
    with pytest.raises((RequestError, RecordError), match=r"[Rr]equest|surrogate"):
        ask(book_of(store), name)
    assert store.models() == ("iris",)
    assert len(store.events("iris")) == 1


@pytest.mark.parametrize("name", IDS.values(), ids=IDS)
@pytest.mark.parametrize("ask", OF_RECORDS.values(), ids=OF_RECORDS)
def test_a_hostile_id_is_refused(store: FakeRegistryStore, ask: Ask, name: str) -> None:
    with pytest.raises(RequestError, match="is no id of a R"):
        ask(book_of(store), name)
    assert len(store.events("iris")) == 1


@pytest.mark.parametrize("key", ["../1", "1#2", "-1", "1.5", "\u0663", "9" * 5000, "1:data:0:0"])
@pytest.mark.parametrize("kind", [Version, Event, Input])
def test_a_number_that_is_none_is_refused(
    store: FakeRegistryStore, kind: type[Version | Event | Input], key: str
) -> None:
    with pytest.raises(RequestError, match=r"is no (number|key) of an? "):
        store.read(kind, "iris", key)


@pytest.mark.parametrize("key", ["../1", "1#2", "", "x" * 300, "a\0"])
def test_a_key_that_could_leave_its_place_is_refused(store: FakeRegistryStore, key: str) -> None:
    with pytest.raises(RequestError):
        store.read(Run, "iris", key)
