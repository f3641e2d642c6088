"""The ledger in DynamoDB: windows by release and hour of their end, labels by hour of prediction.

An item is its key, the value as JSON text (DynamoDB has no floats) and `expires`, its time to live.
All labels of one receipt are one item, with an attribute per row, so feedback costs a write per
request that was answered and not per row. A write holds only if its rows are as the writer knows
them (at first: not there); else DynamoDB answers with the item, and the writer adds to that.
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
from tidegate.errors import CorruptRecordError, LedgerConflictError, RecordError
from tidegate.windows.codec import decode_line, to_dict
from tidegate.windows.fields import LONGEST_TEXT, is_identifier
from tidegate.windows.label_codec import (
    entry_to_json,
    head_to_json,
    history_from_json,
    label_from_json,
)
from tidegate.windows.label_history import KEPT, LabelHistory, Stored, tell_all
from tidegate.windows.values import Label, Window

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Key = tuple[str, str]
Item = Mapping[str, Any]  # as DynamoDB gives it
Rows = dict[int, list[Label]]  # of one sheet

WINDOW_LIFE = timedelta(days=90)
LABEL_LIFE = timedelta(days=400)
WRITERS = 8  # at once: a batch may not take a round trip after the other
PAGE = 100  # sheets read at once, latest first
ITEM = 360_000  # bytes of a sheet's rows; DynamoDB takes 400 KB of an item with all that is beside
SCORE = 25  # bytes of a float64 in JSON, with a comma
TOLD = 6 * LONGEST_TEXT + 70  # bytes of one value of a row, in UTF-8 and escaped, and its times
ATTEMPTS = 20  # each that fails is another writer's success
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

    def put_labels(self, labels: Sequence[Label]) -> Stored:
        """Store labels by receipt and row; tell which were new, and which changed another."""
        sheets: dict[Key, Rows] = {}
        for label in labels:
            sheets.setdefault(_sheet_key(label), {}).setdefault(label.row, []).append(label)
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(self._write, sheets, sheets.values()), Stored())

    def labels(
        self, model: str, since: datetime, until: datetime, *, newest: int = 0
    ) -> tuple[Label, ...]:
        """Return labels with since <= prediction < until, by time of prediction."""
        found: list[Label] = []
        last = ""
        for item in self._sheets(model, since, until):
            receipt = _text(item, "SK").rpartition("#")[0]
            if newest and len(found) >= newest and receipt != last:
                break
            found += (label for label in _sheet(item) if since <= label.predicted_at < until)
            last = receipt
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

    def _write(self, key: Key, rows: Rows) -> Stored:
        """Write rows of one sheet, again and again until nobody else wrote in between."""
        known: dict[int, str] = {}
        for _ in range(ATTEMPTS):
            entries, stored = _entries(rows, known)
            if not entries:
                return stored
            found = self._swap(key, next(iter(rows.values()))[0], entries, known)
            if found is None:
                return stored
            known = {row: _text(found, f"r{row}") for row in rows if f"r{row}" in found}
        raise LedgerConflictError(f"receipt {key[1]}: its labels kept changing; send them again")

    def _swap(
        self, key: Key, label: Label, entries: Mapping[int, str], known: Mapping[int, str]
    ) -> Item | None:
        """Write `entries` if their rows are as `known`; else return the item as it is."""
        head = _item(key, head_to_json(label), label.predicted_at + LABEL_LIFE)
        values = {":body": head["body"], ":expires": head["expires"]}
        values |= {f":{row}": {"S": entry} for row, entry in entries.items()}
        values |= {f":o{row}": {"S": known[row]} for row in entries if row in known}
        sets = [f"r{row} = :{row}" for row in entries]
        conditions = (
            f"r{row} = :o{row}" if row in known else f"attribute_not_exists(r{row})"
            for row in entries
        )
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"PK": head["PK"], "SK": head["SK"]},
                UpdateExpression=f"SET body = :body, expires = :expires, {', '.join(sets)}",
                ConditionExpression=" AND ".join(conditions),
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            answer: Mapping[str, Item] = {**error.response}  # type: ignore[dict-item] # has the item
            return answer.get("Item", {})
        return None

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


def _entries(rows: Rows, known: Mapping[int, str]) -> tuple[dict[int, str], Stored]:
    """Return the entries to write beside those that are `known`, and what becomes of the labels."""
    entries: dict[int, str] = {}
    total = Stored()
    for row, labels in rows.items():
        before = history_from_json(known[row]) if row in known else LabelHistory()
        after, stored = tell_all(before, labels)
        total += stored
        if after != before:
            entries[row] = entry_to_json(labels[0], after)
    return entries, total


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
    place = label.row // rows_of_sheet(len(label.score))
    return partition, f"{stamp(label.predicted_at)}#{_part(label.receipt)}#{place}"


def rows_of_sheet(width: int) -> int:
    """Return how many rows of `width` scores fit into an item, whatever is told of them.

    >>> rows_of_sheet(1), rows_of_sheet(50), rows_of_sheet(1000), rows_of_sheet(10_000)
    (35, 31, 10, 1)
    """
    return max(1, ITEM // (KEPT * TOLD + SCORE * width))


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
