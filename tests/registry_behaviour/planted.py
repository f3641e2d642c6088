"""Rows that somebody changed behind the registry's back: the reader refuses them.

A changed field of a row that is written once, a row that was moved, a row of another kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.made import START, digest, draft, later, release
from tests.fakes.signer import FakeSigner
from tests.registry_behaviour.registering import book_of
from tests.registry_behaviour.table import Table
from tidegate.errors import CorruptRecordError
from tidegate.registry import rows
from tidegate.registry.book import Registry
from tidegate.registry.values import (
    Event,
    Input,
    Lock,
    Meta,
    Pointer,
    Reign,
    Release,
    Request,
    Signature,
    Version,
)

KEYS: dict[str, tuple[type, str]] = {
    "Meta": (Meta, ""),
    "Version": (Version, "1"),
    "Input": (Input, "1:data:0"),
    "Signature": (Signature, "1"),
    "Reign": (Reign, "9"),
    "Pointer": (Pointer, "champion"),
    "Lock": (Lock, ""),
    "Release": (Release, "r-1"),
    "Request": (Request, "reserve:run-1"),
    "Event": (Event, "3"),
}
READS: dict[str, Callable[[Registry], Any]] = {
    "Meta": lambda book: book.meta("iris"),
    "Version": lambda book: book.version("iris", 1),
    "Input": lambda book: book.inputs("iris", 1),
    "Signature": lambda book: book.signature("iris", 1),
    "Reign": lambda book: book.history("iris"),
    "Pointer": lambda book: book.champion("iris"),
    "Lock": lambda book: book.lock("iris"),
    "Release": lambda book: book.release("iris", "r-1"),
    "Request": lambda book: book.reserve("iris", draft(), at=START, actor="t", request_id="run-1"),
    "Event": lambda book: book.events("iris"),
}
ALTERED: dict[str, tuple[str, str, dict[str, str]]] = {  # of rows that are written once
    "the package of a version": ("Version", "package_digest", {"S": "e" * 64}),
    "the data of an input": ("Input", "digest", {"S": "e" * 64}),
    "the key of an input": ("Input", "key", {"S": "evil-bucket/x.csv"}),
    "a signature": ("Signature", "value", {"S": "ZXZpbA=="}),
    "the algorithm of a signature": ("Signature", "algorithm", {"S": "none"}),
    "the version of a reign": ("Reign", "version", {"N": "2"}),
    "the reason of a reign": ("Reign", "reason", {"S": "because"}),
    "the answer of a request": ("Request", "answer", {"S": "{}"}),
    "what a request asked for": ("Request", "command", {"S": "e" * 64}),
    "the actor of an event": ("Event", "actor", {"S": "eve"}),
    "the time of an event": ("Event", "at", {"S": "2026-11-21T10:00:00.000Z"}),
    "the fence of a release": ("Release", "fence", {"N": "99"}),
}


@pytest.fixture
def book(table: Table) -> Registry:
    """Return a registry in which version 1 serves and 2 waits."""
    made, signer = book_of(table.store), FakeSigner()
    for request in ("run-1", "run-2"):
        made.register("iris", draft(), signer, at=START, actor="t", request_id=request)
    begun = made.begin_release(release("r-1", 1), lease=timedelta(minutes=1), at=START)
    made.finish_release(replace(begun, state="promoted", weight=100), at=later(1))
    return made


def row(kind: str) -> rows.Row:
    return rows.row(KEYS[kind][0], "iris", KEYS[kind][1])


@pytest.mark.parametrize("kind", KEYS)
def test_every_row_is_read_as_it_was_written(book: Registry, table: Table, kind: str) -> None:
    assert table.item(row(kind))["record"] == {"S": kind}
    assert READS[kind](book)


@pytest.mark.parametrize(("kind", "field", "value"), ALTERED.values(), ids=ALTERED)
def test_a_field_that_is_written_once_was_changed(
    book: Registry, table: Table, kind: str, field: str, value: dict[str, str]
) -> None:
    item = table.item(row(kind))
    assert item.get(field) != value
    table.plant({**item, field: value})
    with pytest.raises(CorruptRecordError, match="written once was changed"):
        READS[kind](book)


@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind not in ("Meta", "Pointer", "Lock")])
def test_the_digest_of_what_was_written_is_missing(book: Registry, table: Table, kind: str) -> None:
    item = table.item(row(kind))
    table.plant({name: value for name, value in item.items() if name != "body"})
    with pytest.raises(CorruptRecordError):
        READS[kind](book)


@pytest.mark.parametrize("kind", KEYS)
def test_a_row_of_another_model_or_kind_or_with_more_than_it_has(
    book: Registry, table: Table, kind: str
) -> None:
    item = table.item(row(kind))
    another = "Signature" if kind != "Signature" else "Version"
    for planted in (
        {"model": {"S": "rose"}},
        {"model": {"S": "../x"}},
        {"record": {"S": another}},
        {"bucket": {"S": "evil"}},
    ):
        table.plant({**item, **planted})
        with pytest.raises(CorruptRecordError):
            READS[kind](book)


MOVED = {
    "a version to another number": (Version, "1", (Version, "iris", "2")),
    "a signature to another version": (Signature, "1", (Signature, "iris", "2")),
    "a signature to another model": (Signature, "1", (Signature, "rose", "1")),
    "an input to another version": (Input, "1:data:0", (Input, "iris", "2:data:0")),
    "an event to another number": (Event, "2", (Event, "iris", "4")),
    "a request to another id": (Request, "reserve:run-1", (Request, "iris", "reserve:run-2")),
    "a release to another id": (Release, "r-1", (Release, "iris", "r-2")),
    "an event to the place of a version": (Event, "2", (Version, "iris", "2")),
}


@pytest.mark.parametrize(("kind", "key", "to"), MOVED.values(), ids=MOVED)
def test_a_row_was_moved(
    book: Registry, table: Table, kind: type, key: str, to: tuple[Any, str, str]
) -> None:
    item = table.item(rows.row(kind, "iris", key))
    pk, sk = rows.row(*to)
    table.plant({**item, "PK": {"S": pk}, "SK": {"S": sk}})
    with pytest.raises(CorruptRecordError):
        table.store.read(*to)


def test_an_index_that_lies_finds_nothing(book: Registry, table: Table) -> None:
    item = table.item(row("Version"))
    table.plant({**item, "digest": {"S": digest("7")}})
    assert table.store.with_digest(Version, digest("7")) == ()


def test_a_list_that_names_another_model(book: Registry, table: Table) -> None:
    item = table.item(rows.list_row("iris"))
    table.plant({**item, "model": {"S": "rose"}})
    with pytest.raises(CorruptRecordError, match="names another model"):
        book.models()


def test_an_event_was_taken_away(book: Registry, table: Table) -> None:
    item = table.item(rows.event_row("iris", 5))
    table.client.delete_item(TableName=table.name, Key={k: item[k] for k in ("PK", "SK")})
    with pytest.raises(CorruptRecordError, match="lacks event 5"):
        book.at("iris", START)
