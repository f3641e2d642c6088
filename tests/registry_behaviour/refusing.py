"""Names, numbers and times that are refused by name, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.made import START, digest, draft, gate, release, run
from tests.fakes.signer import FakeSigner
from tests.registry_behaviour.registering import book_of
from tests.registry_behaviour.table import Table
from tidegate.errors import RecordError, RequestError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.store import RegistryStore

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
def test_a_hostile_model_name_is_refused(store: RegistryStore, ask: Ask, name: str) -> None:
    with pytest.raises(RequestError, match="is no model name"):
        ask(book_of(store), name)
    assert store.models() == ("iris",)
    assert len(store.events("iris")) == 1


@pytest.mark.parametrize("name", IDS.values(), ids=IDS)
@pytest.mark.parametrize("ask", OF_REQUESTS.values(), ids=OF_REQUESTS)
def test_a_hostile_request_id_is_refused(store: RegistryStore, ask: Ask, name: str) -> None:
    with pytest.raises((RequestError, RecordError), match=r"[Rr]equest|surrogate"):
        ask(book_of(store), name)
    assert store.models() == ("iris",)
    assert len(store.events("iris")) == 1


@pytest.mark.parametrize("name", IDS.values(), ids=IDS)
@pytest.mark.parametrize("ask", OF_RECORDS.values(), ids=OF_RECORDS)
def test_a_hostile_id_is_refused(store: RegistryStore, ask: Ask, name: str) -> None:
    with pytest.raises(RequestError, match="is no id of a R"):
        ask(book_of(store), name)
    assert len(store.events("iris")) == 1


NUMBERS = {
    "nan": float("nan"), "inf": float("inf"), "-inf": float("-inf"), "1e400": float("1e400"),
    "1e300": 1e300, "1e-300": 1e-300,
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_cannot_be_stored_is_named(store: RegistryStore, number: float) -> None:
    book = book_of(store)
    for made, field in (
        (replace(draft(), metrics={"auc": 0.8, "loss": number}), r"Version\.metrics\.loss"),
        (replace(draft(), gates=(gate(), replace(gate(), value=number))), r"gates\[1\]\.value"),
        (replace(draft(), holdout_shift=number), r"Version\.holdout_shift"),
    ):
        with pytest.raises(RecordError, match=field):
            book.reserve("iris", made, at=START, actor="t", request_id="run-1")
    assert (book.meta("iris").counter, len(book.events("iris"))) == (0, 1)


def test_a_version_beyond_400_kilobytes_names_its_largest_field(table: Table) -> None:
    book = book_of(table.store)
    wide = {f"metric_{n:05d}_{'x' * 20}": 0.5 for n in range(8000)}
    with pytest.raises(RecordError, match="largest field is 'metrics'"):
        book.reserve(
            "iris", replace(draft(), metrics=wide), at=START, actor="t", request_id="run-1"
        )
    assert (book.meta("iris").counter, len(book.events("iris"))) == (0, 1)


NAIVE = datetime(2026, 11, 22, 10)  # noqa: DTZ001 - that is the point
TIMES: dict[str, Callable[[Registry], object]] = {
    "of a command": lambda book: book.push_code("iris", digest=digest("a"), at=NAIVE, actor="a"),
    "of the first command": lambda book: book.ensure_model("rose", owner="a", at=NAIVE, actor="a"),
    "of a question": lambda book: book.at("iris", NAIVE),
}


@pytest.mark.parametrize("ask", TIMES.values(), ids=TIMES)
def test_a_time_without_a_zone_is_refused(
    store: RegistryStore, ask: Callable[[Registry], object]
) -> None:
    book = book_of(store)
    with pytest.raises(RequestError, match="a time zone is expected"):
        ask(book)
    assert (store.models(), len(store.events("iris"))) == (("iris",), 1)
