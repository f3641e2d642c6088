"""The registry in one DynamoDB table: consistent reads, and commits as conditional transactions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tidegate.errors import CorruptRecordError, ImmutableError, RecordError, RegistryConflictError
from tidegate.registry import rows
from tidegate.registry.codec import (
    Item,
    body_digest,
    body_digest_of,
    decode,
    encode,
    indexed_digest,
)
from tidegate.registry.retries import Retries
from tidegate.registry.values import Event, Input, Meta, Record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

R = TypeVar("R", bound=Record | Event)

_STORAGE = frozenset({"PK", "SK", "body", "digest"})  # attributes that are not fields of a record
_STORAGE_OF: dict[type, frozenset[str]] = {
    Input: _STORAGE - {"digest"}
}  # whose own field the index finds it by
_ITEM_LIMIT = 400 * 1024  # bytes, DynamoDB's
_DIGEST_INDEX = "by-digest"
_BUSY = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class RegistryTable:
    """`RegistryStore` over a table with `PK`, `SK` and the index `by-digest`."""

    def __init__(
        self, client: DynamoDBClient, *, table: str, retries: Retries | None = None
    ) -> None:
        """Use `client` on `table`; `retries` says how a busy item is tried again."""
        self._client, self._table = client, table
        self._retries = retries or Retries(attempts=5, base=0.01, cap=0.2, sleep=time.sleep)

    def read(self, kind: type[R], model: str, key: str = "") -> R | None:
        """Return one record, or None."""
        return self._at(kind, rows.row(kind, model, key))

    def newest(
        self, kind: type[R], model: str, limit: int = 50, *, under: int = 0
    ) -> tuple[R, ...]:
        """Return the latest records of a kind, newest first."""
        query = {
            "KeyConditionExpression": "PK = :pk AND begins_with(SK, :sk)",
            "ExpressionAttributeValues": {
                ":pk": {"S": rows.partition(model)},
                ":sk": {"S": rows.prefix(kind, under)},
            },
            "ScanIndexForward": False,
        }
        return tuple(_record(kind, item) for item in self._query(query, limit))

    def events(self, model: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Return events with a sequence above `after`, oldest first."""
        first, last = rows.event_row(model, after + 1), rows.event_row(model, 10**12 - 1)
        query = {
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": first[0]},
                ":first": {"S": first[1]},
                ":last": {"S": last[1]},
            },
        }
        return tuple(_record(Event, item) for item in self._query(query, limit))

    def models(self) -> tuple[str, ...]:
        """Return the names of all models, sorted."""
        query = {
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": {":pk": {"S": rows.LIST}},
        }
        return tuple(sorted(_listed(item) for item in self._query(query, 0)))

    def commit(self, meta: Meta, records: Sequence[Record], event: Event) -> None:
        """Write everything or nothing; see the port for what it raises."""
        writes = [_head(meta), *(_put(record) for record in records), _put(event)]
        if meta.rev == 1:
            pk, sk = rows.list_row(meta.model)
            writes.append({"Item": {"PK": {"S": pk}, "SK": {"S": sk}, "model": {"S": meta.model}}})
        puts = [{"Put": {"TableName": self._table, **write}} for write in writes]
        attempt = 0
        while True:
            try:
                self._client.transact_write_items(TransactItems=puts)  # type: ignore[arg-type]  # built above
            except ClientError as error:
                _translate(error, meta, last=self._retries.is_last(attempt))
            else:
                return
            self._retries.pause(attempt)
            attempt += 1

    def with_digest(self, kind: type[R], digest: str) -> tuple[R, ...]:
        """Return records of a kind with this digest; the index lags behind, the rows are reread."""
        found = [self._at(kind, row) for row in sorted(self._with_digest(digest, kind))]
        return tuple(one for one in found if one is not None and indexed_digest(one) == digest)

    def _with_digest(self, digest: str, kind: type) -> Iterator[rows.Row]:
        """Yield where the index says that records of a kind with a digest lie."""
        query = {
            "IndexName": _DIGEST_INDEX,
            "KeyConditionExpression": "digest = :digest",
            "ExpressionAttributeValues": {":digest": {"S": digest}},
            "ConsistentRead": False,  # an index has no consistent read
        }
        for item in self._query(query, 0):
            if item["SK"]["S"].startswith(rows.prefix(kind)):
                yield item["PK"]["S"], item["SK"]["S"]

    def _at(self, kind: type[R], row: rows.Row) -> R | None:
        pk, sk = row
        found = self._client.get_item(
            TableName=self._table, Key={"PK": {"S": pk}, "SK": {"S": sk}}, ConsistentRead=True
        )
        return _record(kind, found["Item"]) if "Item" in found else None

    def _query(self, query: Mapping[str, Any], limit: int) -> Iterator[Any]:
        """Yield items of all pages, at most `limit` of them unless it is 0."""
        left = limit
        page: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True, **query}
        while True:
            page |= {"Limit": left} if left else {}
            found = self._client.query(**page)
            yield from found["Items"]
            left -= len(found["Items"]) if limit else 0
            if "LastEvaluatedKey" not in found or (limit and left <= 0):
                return
            page["ExclusiveStartKey"] = found["LastEvaluatedKey"]


def _record(kind: type[R], item: Mapping[str, Any]) -> R:
    """Read one item, refusing what lies where it does not belong or is not what was written."""
    found = {name: _deserialize(value) for name, value in item.items()}
    record: R = decode(
        kind, {k: v for k, v in found.items() if k not in _STORAGE_OF.get(kind, _STORAGE)}
    )
    rows.check_place(record, (found["PK"], found["SK"]))
    if found.get("body", "") != body_digest(record):
        raise CorruptRecordError(
            f"{found['PK']} / {found['SK']}: a field that is written once was changed afterwards"
        )
    return record


def _listed(item: Mapping[str, Any]) -> str:
    model = item.get("model", {}).get("S", "")
    if item["SK"]["S"] != f"MODEL#{model}":
        raise CorruptRecordError(f"{rows.LIST} / {item['SK']['S']}: names another model")
    return str(model)


def _put(record: Record | Event) -> dict[str, Any]:
    """Build a put; a record with immutable fields replaces only one in which they are the same."""
    pk, sk = rows.row_of(record)
    fields = encode(record)
    body = body_digest_of(type(record), fields)
    plain: Item = {"PK": pk, "SK": sk, **fields}
    plain |= {"body": body} if body else {}
    plain |= {"digest": found} if (found := indexed_digest(record)) else {}
    item = {name: _serialize(value) for name, value in plain.items()}
    if (size := _size({"M": item})) > _ITEM_LIMIT:
        raise RecordError(
            f"{type(record).__name__} {sk}: {size:,} bytes are more than the registry's limit of"
            f" {_ITEM_LIMIT:,}; the largest field is {_largest(item)!r}"
        )
    if isinstance(record, Event):
        return {"Item": item, "ConditionExpression": "attribute_not_exists(SK)"}
    if not body:
        return {"Item": item}
    return {
        "Item": item,
        "ConditionExpression": "attribute_not_exists(SK) OR body = :body",
        "ExpressionAttributeValues": {":body": {"S": body}},
    }


def _head(meta: Meta) -> dict[str, Any]:
    put = _put(meta)
    if meta.rev == 1:
        return put | {"ConditionExpression": "attribute_not_exists(SK)"}
    return put | {
        "ConditionExpression": "rev = :seen",
        "ExpressionAttributeValues": {":seen": {"N": str(meta.rev - 1)}},
    }


def _size(value: Mapping[str, Any]) -> int:
    """Count a value as DynamoDB does: names, text in UTF-8, numbers, 3 + 1 per container."""
    (kind, held), *_ = value.items()
    if kind == "M":
        return 3 + sum(len(name.encode()) + 1 + _size(part) for name, part in held.items())
    if kind == "L":
        return 3 + sum(1 + _size(part) for part in held)
    return len(held.encode()) if kind == "S" else 21 if kind == "N" else 1


def _largest(item: Mapping[str, Any]) -> str:
    return max(item, key=lambda name: _size(item[name]))


def _translate(error: ClientError, meta: Meta, *, last: bool) -> None:
    """Return when the same transaction may be tried again, raise what happened otherwise."""
    code = error.response["Error"]["Code"]
    if code == "TransactionInProgressException" and not last:
        return
    if code != "TransactionCanceledException":
        raise error
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    codes = [reason.get("Code", "None") for reason in reasons]
    if codes and codes[0] == "ConditionalCheckFailed":
        raise RegistryConflictError(
            f"{meta.model!r} has moved on from rev {meta.rev - 1}"
        ) from error
    if "ConditionalCheckFailed" in codes:
        raise ImmutableError(
            f"{meta.model!r}, write {codes.index('ConditionalCheckFailed')} of the commit: a field"
            " that is written once would change"
        ) from error
    if not any(code in _BUSY for code in codes):
        raise error
    if last:
        raise RegistryConflictError(f"{meta.model!r} is written to by others: {codes}") from error
