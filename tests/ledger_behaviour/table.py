"""The ledger's table, made bare in an emulator, and a writer that is always too late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.aws.ledger_table import LedgerTable
from tidegate.windows.values import Label

_KEY = {"PK": "HASH", "SK": "RANGE"}


def make_table(client: Any, name: str) -> LedgerTable:
    """Create the table that the stacks describe."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in _KEY],
        KeySchema=[{"AttributeName": k, "KeyType": kind} for k, kind in _KEY.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    return LedgerTable(client, table=name)


class Overtaken:
    """A client before whose updates somebody else's labels arrive, as long as there are some."""

    def __init__(self, client: Any, put: Callable[[Sequence[Label]], Any], *others: Label) -> None:
        self._client, self._put, self._others = client, put, list(others)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if self._others:
            self._put([self._others.pop(0)])
        return self._client.update_item(**request)
