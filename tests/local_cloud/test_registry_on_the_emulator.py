"""The registry's behaviour on the table of the local cloud, whose transactions are real ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.local_cloud.driver import Driver
from tests.registry_behaviour.commits import *  # noqa: F403 - its tests
from tests.registry_behaviour.planted import *  # noqa: F403 - its tests
from tests.registry_behaviour.refusing import *  # noqa: F403 - its tests
from tests.registry_behaviour.registering import *  # noqa: F403 - its tests
from tests.registry_behaviour.releasing import *  # noqa: F403 - its tests
from tests.registry_behaviour.requesting import *  # noqa: F403 - its tests
from tests.registry_behaviour.table import Table, client_of
from tests.registry_behaviour.telling import *  # noqa: F403 - its tests
from tidegate.registry.store import RegistryStore

pytestmark = pytest.mark.local
_numbers = count()


@pytest.fixture
def table(driver: Driver) -> Iterator[Table]:
    client = client_of(driver.endpoint.url)
    made = Table.made(client, f"registry-{next(_numbers)}")
    yield made
    made.drop()
    client.close()


@pytest.fixture
def store(table: Table) -> RegistryStore:
    return table.store


@pytest.fixture
def crowd() -> int:
    """How many write at once."""
    return 100


@pytest.fixture
def many() -> int:
    """How many data files are many."""
    return 5000
