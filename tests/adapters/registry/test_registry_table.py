"""What only the table has: DynamoDB's limits, pages and cancelled transactions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.made import gate, version
from tests.registry_behaviour.commits import event, head
from tests.registry_behaviour.table import Busy, Table
from tidegate.aws.registry_table import RegistryTable
from tidegate.errors import RecordError, RegistryConflictError
from tidegate.registry.retries import Retries
from tidegate.registry.values import Meta, Version


def test_an_item_beyond_400_kilobytes_names_its_largest_field(table: Table) -> None:
    store = table.store
    gates = tuple(replace(gate(), reason="x" * 1000) for _ in range(420))
    with pytest.raises(RecordError, match="largest field is 'gates'"):
        store.commit(head(1), [version(gates=gates)], event(1))


def test_two_transaction_conflicts_are_waited_out_with_jitter(table: Table) -> None:
    waits: list[float] = []
    patience = Retries(attempts=4, base=0.1, sleep=waits.append, chance=lambda: 0.5)
    client: Any = Busy(table.client, "TransactionConflict", "TransactionConflict")
    store = RegistryTable(client, table=table.name, retries=patience)
    store.commit(head(1), [], event(1))
    assert waits == [0.05, 0.1]
    assert store.read(Meta, "iris") == head(1)


def test_endless_transaction_conflicts_are_a_registry_conflict(table: Table) -> None:
    client: Any = Busy(table.client, *["TransactionConflict"] * 9)
    patience = Retries(attempts=3, sleep=lambda _: None)
    with pytest.raises(RegistryConflictError, match="written to by others"):
        RegistryTable(client, table=table.name, retries=patience).commit(head(1), [], event(1))


def test_an_error_that_is_no_conflict_rises_as_it_is(table: Table) -> None:
    client: Any = Busy(table.client, "ValidationError")
    with pytest.raises(ClientError):
        RegistryTable(client, table=table.name).commit(head(1), [], event(1))


def test_a_long_list_is_read_page_by_page(table: Table) -> None:
    store = table.store
    long = (replace(gate(), reason="x" * 300_000),)
    for number in range(1, 7):
        store.commit(head(number, number), [version(number, gates=long)], event(number))
    assert [v.number for v in store.newest(Version, "iris")] == [6, 5, 4, 3, 2, 1]
    assert len(store.newest(Version, "iris", limit=5)) == 5
