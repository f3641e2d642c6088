"""The ledger in DynamoDB: windows by release and hour of their end, labels by hour of prediction.

An item is its key, the value as JSON text (DynamoDB has no floats) and `expires`, its time to live.
All labels of one receipt are one item, with an attribute per row, so feedback costs a write per
request that was answered and not per row; an update of single attributes needs no reading first.
A read refuses an item that lies elsewhere than its content says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tidegate.clock import stamp
from tidegate.errors import CorruptRecordError, RecordError
from tidegate.windows.codec import decode_line, to_dict
from tidegate.windows.fields import is_identifier
from tidegate.windows.label_codec import entry_to_json, head_to_json, label_from_json
from tidegate.windows.values import Label, Window

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Key = tuple[str, str]
Item = Mapping[str, Any]  # as DynamoDB gives it

WINDOW_LIFE = timedelta(days=90)
LABEL_LIFE = timedelta(days=400)
WRITERS = 8  # at once: a batch may not take a round trip after the other
PAGE = 100  # sheets read at once, latest first
ROWS_AT_ONCE = 100  # an update expression holds 4 KB and 300 operators
_ROW = re.compile(r"r\d{1,6}")


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
        for hour in _hours(since, until):
            found += self._windows(f"W#{_part(model)}#{_part(release)}#{_hour(hour)}")
        wanted = (window for window in found if since <= window.end < until)
        return tuple(sorted(wanted, key=lambda window: (window.end, window.id)))

    def put_labels(self, labels: Sequence[Label]) -> int:
        """Store labels by receipt and row, the last winning; return how many were new."""
        sheets: dict[Key, dict[int, Label]] = {}
        for label in labels:
            sheets.setdefault(_sheet_key(label), {})[label.row] = label
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(self._write_sheet, sheets, sheets.values()))

    def labels(
        self, model: str, since: datetime, until: datetime, *, newest: int = 0
    ) -> tuple[Label, ...]:
        """Return labels with since <= prediction < until, by time of prediction."""
        found: list[Label] = []
        for item in self._sheets(model, since, until):
            found += (label for label in _sheet(item) if since <= label.predicted_at < until)
            if newest and len(found) >= newest:
                break
        return tuple(
            sorted(found, key=lambda label: (label.predicted_at, label.receipt, label.row))
        )

    def _sheets(self, model: str, since: datetime, until: datetime) -> Iterator[Item]:
        """Yield sheets of predictions in an interval, the latest first."""
        for hour in reversed(list(_hours(since, until))):
            partition = f"L#{_part(model)}#{_hour(hour)}"
            yield from self._items(partition, between=(stamp(since), stamp(until)))

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

    def _write_sheet(self, key: Key, sheet: Mapping[int, Label]) -> int:
        rows = list(sheet.values())
        starts = range(0, len(rows), ROWS_AT_ONCE)
        return sum(self._write_rows(key, rows[at : at + ROWS_AT_ONCE]) for at in starts)

    def _write_rows(self, key: Key, rows: Sequence[Label]) -> int:
        """Write some rows of one sheet; return how many of them were new."""
        values = {f":{label.row}": {"S": entry_to_json(label)} for label in rows}
        sets = [f"r{label.row} = :{label.row}" for label in rows]
        head = _item(key, head_to_json(rows[0]), rows[0].predicted_at + LABEL_LIFE)
        old = self._client.update_item(
            TableName=self._table,
            Key={"PK": head["PK"], "SK": head["SK"]},
            UpdateExpression=f"SET body = :body, expires = :expires, {', '.join(sets)}",
            ExpressionAttributeValues={
                ":body": head["body"],
                ":expires": head["expires"],
                **values,
            },
            ReturnValues="ALL_OLD",
        ).get("Attributes", {})
        return sum(f"r{label.row}" not in old for label in rows)

    def _windows(self, partition: str) -> Iterator[Window]:
        for item in self._items(partition):
            window = decode_line(_text(item, "body"))
            _check_place(item, _window_key(window))
            yield window

    def _items(self, partition: str, *, between: tuple[str, str] | None = None) -> Iterator[Item]:
        """Yield a partition; with `between`, the items of these sort keys, the last first."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
            "ConsistentRead": True,
        }
        if between:
            query["KeyConditionExpression"] += " AND SK BETWEEN :low AND :high"
            query["ExpressionAttributeValues"] |= {
                ":low": {"S": between[0]},
                ":high": {"S": between[1]},
            }
            query |= {"ScanIndexForward": False, "Limit": PAGE}
        for page in self._client.get_paginator("query").paginate(**query):
            yield from page["Items"]


def _sheet(item: Item) -> Iterator[Label]:
    head = _text(item, "body")
    for name in item:
        if _ROW.fullmatch(name):
            label = label_from_json(head, row=int(name[1:]), entry=_text(item, name))
            _check_place(item, _sheet_key(label))
            yield label


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _check_place(item: Item, key: Key) -> None:
    found = _text(item, "PK"), _text(item, "SK")
    if found != key:
        raise CorruptRecordError(f"ledger item {found[0]} {found[1]} lies in a wrong place")


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


def _sheet_key(label: Label) -> Key:
    partition = f"L#{_part(label.model)}#{_hour(label.predicted_at)}"
    return partition, f"{stamp(label.predicted_at)}#{_part(label.receipt)}"


def _part(text: str) -> str:
    if not is_identifier(text):
        raise RecordError(f"ledger: {text[:100]!r} can't be part of a key")
    return text


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H")


def _hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the beginning of each hour from `since` to `until`."""
    moment = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while moment < until:
        yield moment
        moment += timedelta(hours=1)
