"""One behaviour suite for raw rows: over the fake and over an emulated table; and a round trip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.dumps import dumped, fill, loaded
from tests.fakes.made import PATIENT, START, later
from tests.fakes.raw_rows import MemoryRows, raw_of
from tests.fakes.registry_store import FakeRegistryStore
from tests.registry_behaviour.table import Table
from tidegate.aws.registry_rows import RegistryRows
from tidegate.errors import ImmutableError, RegistryConflictError
from tidegate.registry.book import Registry
from tidegate.registry.dump_rows import RawRows, listing
from tidegate.registry.retries import Retries
from tidegate.registry.values import Event, Input, Meta, Version

EAGER = Retries(attempts=3, sleep=lambda _: None, chance=lambda: 0.0)


def rows_of(table: Table) -> RegistryRows:
    return RegistryRows(table.client, table=table.name, retries=EAGER)


@pytest.fixture(params=["fake", "table"])
def target(request: pytest.FixtureRequest) -> RawRows:
    if request.param == "fake":
        return MemoryRows()
    table: Table = request.getfixturevalue("table")
    return rows_of(table)


def noted(sequence: int, reason: str = "because") -> Any:
    return raw_of(Event("iris", sequence, "Noted", START, "ann", reason))


def test_what_was_inserted_is_read_back_in_order(target: RawRows) -> None:
    head = raw_of(Meta("iris", "ann", 3))
    target.insert([head, noted(3), noted(1), noted(2), listing("iris")])
    assert list(target.rows("iris")) == [noted(1), noted(2), noted(3), head]
    assert target.head("iris") == head
    assert target.models() == ("iris",)


def test_nothing_is_there_at_first(target: RawRows) -> None:
    assert target.models() == ()
    assert target.head("iris") is None
    assert list(target.rows("iris")) == []


def test_rows_that_are_there_already_may_be_inserted_again(target: RawRows) -> None:
    target.insert([noted(2)])
    target.insert([noted(1), noted(2), noted(3)])
    assert list(target.rows("iris")) == [noted(1), noted(2), noted(3)]


def test_a_row_that_holds_something_else_stays_and_nothing_is_written(target: RawRows) -> None:
    target.insert([noted(2, "mine")])
    with pytest.raises(ImmutableError, match="EVT#000000000002"):
        target.insert([noted(1), noted(2)])
    assert list(target.rows("iris")) == [noted(2, "mine")]


def test_a_hundred_rows_are_one_batch(target: RawRows) -> None:
    target.insert([noted(i) for i in range(1, 101)])
    assert len(list(target.rows("iris"))) == 100


def test_every_read_is_consistent(table: Table) -> None:
    asked: list[bool] = []

    def seen(params: dict[str, Any], **_: object) -> None:
        asked.append(bool(params.get("ConsistentRead")))

    rows = rows_of(table)
    for operation in ("GetItem", "Query"):
        table.client.meta.events.register(f"provide-client-params.dynamodb.{operation}", seen)
    assert (rows.models(), rows.head("iris"), list(rows.rows("iris"))) == ((), None, [])
    assert asked == [True, True, True]


class Busy:
    """A client whose transactions are cancelled a few times."""

    def __init__(self, client: Any, times: int, code: str = "TransactionCanceledException") -> None:
        self._client, self._times, self._code = client, times, code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._times:
            self._times -= 1
            reasons = [{"Code": "ThrottlingError"} for _ in request["TransactItems"]]
            error: Any = {"Error": {"Code": self._code}, "CancellationReasons": reasons}
            raise ClientError(error, "TransactWriteItems")
        return self._client.transact_write_items(**request)


@pytest.mark.parametrize("code", ["TransactionCanceledException", "TransactionInProgressException"])
def test_a_busy_table_is_tried_again(table: Table, code: str) -> None:
    client: Any = Busy(table.client, 2, code)
    rows = RegistryRows(client, table=table.name, retries=EAGER)
    rows.insert([noted(1)])
    assert list(rows.rows("iris")) == [noted(1)]


def test_a_table_that_stays_busy_is_named(table: Table) -> None:
    client: Any = Busy(table.client, 3)
    with pytest.raises(RegistryConflictError, match=table.name):
        RegistryRows(client, table=table.name, retries=EAGER).insert([noted(1)])


def test_another_error_is_not_tried_again(table: Table) -> None:
    client: Any = Busy(table.client, 1, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        RegistryRows(client, table=table.name, retries=EAGER).insert([noted(1)])


@pytest.fixture
def other(table: Table) -> Iterator[Table]:
    made = Table.made(table.client, f"{table.name}-restored")
    yield made
    made.drop()


def test_a_registry_makes_the_round_trip_from_table_to_table(table: Table, other: Table) -> None:
    written = fill(table.store)
    origin = rows_of(table)
    target = rows_of(other)
    data = dumped(origin)
    assert loaded(data, target) == 3
    assert dumped(target) == data
    arrived = other.store
    assert arrived.models() == written.models() == ("aster", "iris", "zinnia")
    for kind in (Version, Event):
        assert arrived.newest(kind, "iris", 0) == written.newest(kind, "iris", 0)
    assert len(arrived.with_digest(Input, "a" * 64)) == 120  # the index came along


def test_the_registry_goes_on_where_the_dump_ended(table: Table) -> None:
    loaded(dumped(MemoryRows.of(fill(FakeRegistryStore()))), rows_of(table))
    book = Registry(table.store, FakeAnnouncer(), retries=PATIENT)
    before = book.events("iris")
    book.push_code("iris", digest="d" * 64, at=later(9), actor="ann")
    assert book.events("iris")[:-1] == before
    assert book.meta("iris").rev == len(before) + 1
