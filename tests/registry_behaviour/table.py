"""The registry's table, made bare in an emulator, and ways to disturb it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tidegate.aws.registry_table import RegistryTable
from tidegate.registry import rows

Item = dict[str, Any]


def client_of(url: str) -> Any:
    """Return a client that repeats nothing by itself, for a hundred threads."""
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=100, retries={"total_max_attempts": 1}),
    )


@dataclass(frozen=True)
class Table:
    """One table of an emulator, and what can be done to it behind the registry's back."""

    client: Any
    name: str

    @classmethod
    def made(cls, client: Any, name: str) -> Table:
        """Create the table that the stacks describe."""
        key = {"PK": "HASH", "SK": "RANGE"}
        texts = [{"AttributeName": n, "AttributeType": "S"} for n in (*key, "digest")]
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=texts,
            KeySchema=[{"AttributeName": n, "KeyType": kind} for n, kind in key.items()],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-digest",
                    "KeySchema": [{"AttributeName": "digest", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        return cls(client, name)

    @property
    def store(self) -> RegistryTable:
        """The registry's store over this table."""
        return RegistryTable(self.client, table=self.name)

    def drop(self) -> None:
        """Delete the table."""
        self.client.delete_table(TableName=self.name)

    def item(self, row: rows.Row) -> Item:
        """Return a stored item as it lies there."""
        key = {"PK": {"S": row[0]}, "SK": {"S": row[1]}}
        item: Item = self.client.get_item(TableName=self.name, Key=key)["Item"]
        return item

    def plant(self, item: Item) -> None:
        """Write an item past the registry."""
        self.client.put_item(TableName=self.name, Item=item)


class OneAtATime:
    """A client whose transactions exclude each other, as DynamoDB's do and moto's do not."""

    def __init__(self, client: Any) -> None:
        self._client, self._lock = client, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        with self._lock:
            return self._client.transact_write_items(**request)


class Busy:
    """A client whose first transactions are cancelled for the given reasons."""

    def __init__(self, client: Any, *reasons: str) -> None:
        self._client, self._reasons = client, list(reasons)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if not self._reasons:
            return self._client.transact_write_items(**request)
        answer: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": [{"Code": "None"}, {"Code": self._reasons.pop(0)}],
        }
        raise ClientError(answer, "TransactWriteItems")
