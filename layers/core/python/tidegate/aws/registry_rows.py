"""The registry's table row by row, for exports and imports; it never changes or removes a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tidegate.aws.registry_table import RegistryTable
from tidegate.errors import ImmutableError, RegistryConflictError
from tidegate.registry.dump_rows import Raw, row_of
from tidegate.registry.retries import Retries
from tidegate.registry.rows import Row, partition, row
from tidegate.registry.values import Meta

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TAKEN = "ConditionalCheckFailed"
_BUSY = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class RegistryRows:
    """Implements `RawRows` by queries and conditional transactions."""

    def __init__(
        self, client: DynamoDBClient, *, table: str, retries: Retries | None = None
    ) -> None:
        """Use `client` on `table`; `retries` says how a busy table is tried again."""
        self._client, self._table = client, table
        self._retries = retries or Retries(attempts=10, base=0.1, cap=5.0)

    def models(self) -> tuple[str, ...]:
        """Return the names of all models, sorted."""
        return RegistryTable(self._client, table=self._table).models()

    def head(self, model: str) -> Raw | None:
        """Return a model's META, or None."""
        return self._at(row(Meta, model))

    def rows(self, model: str) -> Iterator[Raw]:
        """Yield a model's rows in the order of their sort keys."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": partition(model)}},
        )
        for page in pages:
            yield from page["Items"]

    def insert(self, items: Sequence[Raw]) -> None:
        """Write rows where nothing lies; see the port for what it raises."""
        left, attempt = list(items), 0
        while left:
            puts: list[Any] = [{"Put": self._put(item)} for item in left]
            try:
                self._client.transact_write_items(TransactItems=puts)
            except ClientError as error:
                codes = _reasons(error)
                if _TAKEN in codes:
                    left = [
                        raw for raw, code in zip(left, codes, strict=True) if self._lacks(raw, code)
                    ]
                    continue
                if self._retries.is_last(attempt):
                    raise RegistryConflictError(f"{self._table} is busy: {codes}") from error
            else:
                return
            self._retries.pause(attempt)
            attempt += 1

    def _lacks(self, raw: Raw, code: str) -> bool:
        """Tell whether a row is still to be written; raise when something else lies there."""
        if code != _TAKEN:
            return True
        if self._at(row_of(raw)) != raw:
            raise ImmutableError(f"{' / '.join(row_of(raw))} holds something else already")
        return False

    def _put(self, item: Raw) -> dict[str, Any]:
        condition = "attribute_not_exists(SK)"
        return {"TableName": self._table, "Item": item, "ConditionExpression": condition}

    def _at(self, place: Row) -> Raw | None:
        pk, sk = place
        found = self._client.get_item(
            TableName=self._table, Key={"PK": {"S": pk}, "SK": {"S": sk}}, ConsistentRead=True
        )
        item: Raw | None = found.get("Item")
        return item


def _reasons(error: ClientError) -> list[str]:
    """Return why each write was cancelled; raise the error when it says something else."""
    code = error.response["Error"]["Code"]
    if code == "TransactionInProgressException":
        return []
    if code != "TransactionCanceledException":
        raise error
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    codes = [str(reason.get("Code", "None")) for reason in reasons]
    if not {_TAKEN, *_BUSY} & set(codes):
        raise error
    return codes
