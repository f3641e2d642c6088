"""The ledger in DynamoDB: windows by release and hour of their end, labels by day of prediction.

An item is its key, the value as JSON text (DynamoDB has no floats) and `expires`, its time to live.
A read refuses an item that lies elsewhere than its content says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from tidegate.errors import CorruptRecordError, RecordError
from tidegate.windows.codec import decode_line, to_dict
from tidegate.windows.fields import is_identifier
from tidegate.windows.label_codec import label_from_json, label_to_json
from tidegate.windows.values import Label, Window

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
Key = tuple[str, str]

WINDOW_LIFE = timedelta(days=90)
LABEL_LIFE = timedelta(days=400)
WRITERS = 8  # at once: a batch of 1,000 labels may not take 1,000 round trips in a row


class LedgerTable:
    """`Ledger` over one table with the keys PK and SK."""

    def __init__(self, client: DynamoDBClient, *, table: str) -> None:
        """Use `table` through `client`."""
        self._client, self._table = client, table

    def put_windows(self, windows: Sequence[Window]) -> int:
        """Store windows by id; return how many were new. None is ever overwritten."""
        bodies = {
            _window_key(window): (
                json.dumps(to_dict(window), separators=(",", ":"), allow_nan=False),
                window.end + WINDOW_LIFE,
            )
            for window in windows
        }
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(self._add, bodies, *zip(*bodies.values(), strict=True)))

    def windows(
        self, model: str, release: str, since: datetime, until: datetime
    ) -> tuple[Window, ...]:
        """Return windows of one release with since <= end < until, by end."""
        found: list[Window] = []
        for hour in _steps(since, until, timedelta(hours=1)):
            partition = f"W#{_part(model)}#{_part(release)}#{_hour(hour)}"
            found += self._read(partition, decode_line, _window_key)
        wanted = (window for window in found if since <= window.end < until)
        return tuple(sorted(wanted, key=lambda window: (window.end, window.id)))

    def put_labels(self, labels: Sequence[Label]) -> int:
        """Store labels by receipt and row, the last winning; return how many were new."""
        bodies = {
            _label_key(label): (label_to_json(label), label.predicted_at + LABEL_LIFE)
            for label in labels
        }
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(self._replace, bodies, *zip(*bodies.values(), strict=True)))

    def labels(self, model: str, since: datetime, until: datetime) -> tuple[Label, ...]:
        """Return labels with since <= prediction < until, by time of prediction."""
        found: list[Label] = []
        for day in _steps(since, until, timedelta(days=1)):
            found += self._read(f"L#{_part(model)}#{_day(day)}", label_from_json, _label_key)
        wanted = (label for label in found if since <= label.predicted_at < until)
        return tuple(
            sorted(wanted, key=lambda label: (label.predicted_at, label.receipt, label.row))
        )

    def _add(self, key: Key, body: str, expires: datetime) -> bool:
        """Write an item unless it is there; tell whether it was new."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_item(key, body, expires),
                ConditionExpression="attribute_not_exists(PK)",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _replace(self, key: Key, body: str, expires: datetime) -> bool:
        """Write an item; tell whether it was new."""
        old = self._client.put_item(
            TableName=self._table, Item=_item(key, body, expires), ReturnValues="ALL_OLD"
        )
        return not old.get("Attributes")

    def _read(
        self, partition: str, decode: Callable[[str], T], key_of: Callable[[T], Key]
    ) -> Iterator[T]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                key = item["PK"]["S"], item["SK"]["S"]
                value = decode(item.get("body", {}).get("S", ""))
                if key_of(value) != key:
                    raise CorruptRecordError(f"ledger item {key[0]} {key[1]} lies in a wrong place")
                yield value


def _item(key: Key, body: str, expires: datetime) -> dict[str, dict[str, str]]:
    return {
        "PK": {"S": key[0]},
        "SK": {"S": key[1]},
        "body": {"S": body},
        "expires": {"N": str(int(expires.timestamp()))},
    }


def _window_key(window: Window) -> Key:
    partition = f"W#{_part(window.model)}#{_part(window.release)}#{_hour(window.end)}"
    return partition, _part(window.id)


def _label_key(label: Label) -> Key:
    partition = f"L#{_part(label.model)}#{_day(label.predicted_at)}"
    return partition, f"{_part(label.receipt)}#{label.row}"


def _part(text: str) -> str:
    if not is_identifier(text):
        raise RecordError(f"ledger: {text[:100]!r} can't be part of a key")
    return text


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def _steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield one moment in each hour or day from `since` to `until`."""
    since = since.astimezone(UTC)
    moment = since.replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        moment = moment.replace(hour=0)
    while moment < until:
        yield moment
        moment += step
