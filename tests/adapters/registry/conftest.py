"""Two stores of the registry: in memory, and a table of an emulated DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.fakes.registry_store import FakeRegistryStore
from tests.registry_behaviour.table import OneAtATime, Table, client_of
from tidegate.registry.store import RegistryStore

_numbers = count()


@pytest.fixture
def table(moto_url: str) -> Iterator[Table]:
    client = client_of(moto_url)
    made = Table.made(client, f"tidegate-test-registry-{next(_numbers)}")
    yield Table(OneAtATime(client), made.name)
    made.drop()
    client.close()


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> RegistryStore:
    if request.param == "fake":
        return FakeRegistryStore()
    table: Table = request.getfixturevalue("table")
    return table.store


@pytest.fixture
def crowd(store: RegistryStore) -> int:
    """How many write at once: moto copies all tables for each transaction, so fewer there."""
    return 100 if isinstance(store, FakeRegistryStore) else 24


@pytest.fixture
def many(store: RegistryStore) -> int:
    """How many data files are many; each transaction of moto takes longer than the one before."""
    return 5000 if isinstance(store, FakeRegistryStore) else 500
