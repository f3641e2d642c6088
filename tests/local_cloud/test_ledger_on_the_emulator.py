"""What becomes of labels, on the table of the local cloud, whose conditions are atomic."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.ledger_behaviour.labels import *  # noqa: F403 - its tests
from tests.ledger_behaviour.table import make_table
from tests.local_cloud.driver import Driver
from tests.registry_behaviour.table import client_of
from tidegate.windows.ledger import Ledger

pytestmark = pytest.mark.local
_numbers = count()


@pytest.fixture
def ledger(driver: Driver) -> Iterator[Ledger]:
    client = client_of(driver.endpoint.url)
    name = f"ledger-{next(_numbers)}"
    yield make_table(client, name)
    client.delete_table(TableName=name)
    client.close()


@pytest.fixture
def crowd() -> int:
    """How many write at once."""
    return 8
