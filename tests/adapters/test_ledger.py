"""One suite for the ledger, over the fake and over DynamoDB (moto), so that the fake cannot lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes.ledger import MemoryLedger
from tests.fakes.windows import NOON, label, window
from tests.ledger_behaviour.labels import *  # noqa: F403 - its tests
from tests.ledger_behaviour.table import Overtaken, make_table
from tidegate.aws.ledger_table import ATTEMPTS, LedgerTable
from tidegate.errors import CorruptRecordError, LedgerConflictError, RecordError
from tidegate.windows.label_history import Stored
from tidegate.windows.ledger import Ledger

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        found = boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        make_table(found, "ledger")
        yield found


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest, client: Any) -> Ledger:
    return MemoryLedger() if request.param == "memory" else LedgerTable(client, table="ledger")


@pytest.fixture
def crowd() -> int:
    """How many write at once: moto's conditions are not atomic."""
    return 1


def test_what_is_stored_is_read_back(ledger: Ledger) -> None:
    assert ledger.put_windows([window("a"), window("b")]) == 2
    assert ledger.put_labels([label("a"), label("b", 3)]).new == (label("a"), label("b", 3))
    since, until = NOON - HOUR, NOON + HOUR
    assert ledger.windows("ferry-delay", "r-3", since, until) == (window("a"), window("b"))
    assert ledger.labels("ferry-delay", since, until) == (label("a"), label("b", 3))


def test_nothing_is_stored_and_nothing_is_found(ledger: Ledger) -> None:
    assert ledger.put_windows([]) == 0
    assert ledger.put_labels([]) == Stored()
    assert ledger.windows("ferry-delay", "r-3", NOON, NOON + DAY) == ()
    assert ledger.labels("ferry-delay", NOON, NOON + DAY) == ()


def test_the_same_window_again_stores_nothing_and_changes_nothing(ledger: Ledger) -> None:
    ledger.put_windows([window("a")])
    assert ledger.put_windows([window("a", rows=9), window("b"), window("b")]) == 1
    found = ledger.windows("ferry-delay", "r-3", NOON, NOON + HOUR)
    assert found == (window("a"), window("b"))


def test_an_interval_holds_its_start_and_not_its_end(ledger: Ledger) -> None:
    moments = [NOON + timedelta(minutes=30 * i) for i in range(-100, 100)]
    ledger.put_windows([window(f"w{i:03}", end=m) for i, m in enumerate(moments)])
    ledger.put_labels([label(f"q{i:03}", at=m) for i, m in enumerate(moments)])
    since, until = NOON - timedelta(hours=30), NOON + timedelta(hours=20, minutes=30)
    wanted = [m for m in moments if since <= m < until]

    windows = ledger.windows("ferry-delay", "r-3", since, until)
    assert [one.end for one in windows] == wanted
    assert [one.predicted_at for one in ledger.labels("ferry-delay", since, until)] == wanted
    assert ledger.windows("ferry-delay", "r-3", NOON, NOON) == ()


def test_an_interval_within_one_hour_is_found(ledger: Ledger) -> None:
    ledger.put_windows([window("a", end=NOON + timedelta(seconds=90))])
    at = NOON + timedelta(seconds=60)
    assert len(ledger.windows("ferry-delay", "r-3", at, at + timedelta(seconds=60))) == 1


def test_an_interval_over_midnight_is_found(ledger: Ledger) -> None:
    late, early = NOON + timedelta(hours=11), NOON + timedelta(hours=12, minutes=30)
    ledger.put_windows([window("a", end=late), window("b", end=early)])
    ledger.put_labels([label("a", at=late), label("b", at=early)])
    until = NOON + timedelta(hours=13)
    assert len(ledger.windows("ferry-delay", "r-3", late, until)) == 2
    assert len(ledger.labels("ferry-delay", late, until)) == 2


def test_models_and_releases_are_kept_apart(ledger: Ledger) -> None:
    ledger.put_windows(
        [window("a"), window("a", release="r-4"), replace(window("a"), model="iris")]
    )
    ledger.put_labels([label("a"), replace(label("a"), model="iris")])
    assert len(ledger.windows("ferry-delay", "r-3", NOON, NOON + HOUR)) == 1
    assert len(ledger.labels("iris", NOON, NOON + HOUR)) == 1
    assert ledger.windows("ferry-delay", "r", NOON, NOON + HOUR) == ()


def test_a_thousand_labels_are_one_batch(ledger: Ledger) -> None:
    many = [label(f"q{i % 3}", i) for i in range(1000)]
    assert len(ledger.put_labels(many).new) == 1000
    assert ledger.put_labels(many).repeated == 1000
    assert len(ledger.labels("ferry-delay", NOON, NOON + HOUR)) == 1000


def test_the_newest_labels_are_read_by_whole_receipts(ledger: Ledger) -> None:
    moments = [NOON + timedelta(minutes=30 * i) for i in range(6)]
    ledger.put_labels([label(f"q{i}", row, at=m) for i, m in enumerate(moments) for row in (0, 1)])
    found = ledger.labels("ferry-delay", NOON, NOON + DAY, newest=3)
    assert [(one.receipt, one.row) for one in found] == [("q4", 0), ("q4", 1), ("q5", 0), ("q5", 1)]


def test_windows_larger_than_one_page_are_all_read(ledger: Ledger) -> None:
    wide = replace(window(), labels={f"class {i}": 10**12 for i in range(8000)})
    ledger.put_windows([replace(wide, id=f"w{i}") for i in range(8)])
    assert len(ledger.windows("ferry-delay", "r-3", NOON, NOON + HOUR)) == 8


def test_the_same_batch_from_many_writers_is_counted_once(client: Any) -> None:
    batch = [window(f"w{i}") for i in range(5)]
    table = LedgerTable(client, table="ledger")
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda _: table.put_windows(batch), range(8)))
    assert sum(new) == 5


def test_a_writer_who_is_overtaken_adds_to_what_the_other_wrote(client: Any) -> None:
    table = LedgerTable(client, table="ledger")
    late, soon = (replace(label("a"), label=text) for text in ("late", "on time"))
    others = replace(soon, received_at=soon.received_at + DAY), replace(late, row=1)
    overtaken = LedgerTable(Overtaken(client, table.put_labels, *others), table="ledger")
    stored = overtaken.put_labels([late])
    assert stored == Stored(changed=(late,))
    first, second = table.labels("ferry-delay", NOON, NOON + HOUR)
    assert (first.label, [one.label for one in first.earlier]) == ("on time", ["late"])
    assert second.row == 1


def test_a_writer_who_is_always_overtaken_says_so(client: Any) -> None:
    table = LedgerTable(client, table="ledger")
    began = label("a").received_at - ATTEMPTS * HOUR
    others = [
        replace(label("a"), label=f"{n}.0", received_at=began + n * HOUR) for n in range(ATTEMPTS)
    ]
    overtaken = LedgerTable(Overtaken(client, table.put_labels, *others), table="ledger")
    with pytest.raises(LedgerConflictError, match="send them again"):
        overtaken.put_labels([label("a")])


def test_every_item_has_a_time_to_live(client: Any) -> None:
    table = LedgerTable(client, table="ledger")
    table.put_windows([window("a")])
    table.put_labels([label("a", 2)])
    items = {item["PK"]["S"]: item for item in client.scan(TableName="ledger")["Items"]}
    shown = items["W#ferry-delay#r-3#2026-11-22T12"]
    assert shown["SK"]["S"] == "a"
    assert int(shown["expires"]["N"]) == int((NOON + 90 * DAY).timestamp())
    told = items["L#ferry-delay#2026-11-22T12"]
    assert told["SK"]["S"] == "2026-11-22T12:00:00.000Z#a#0"
    assert "r2" in told
    assert int(told["expires"]["N"]) == int((NOON + 400 * DAY).timestamp())


@pytest.mark.parametrize("text", ["", "a#b", "../x", "ä", "a\n", "x" * 300])
def test_a_key_is_never_made_of_odd_text(client: Any, text: str) -> None:
    table = LedgerTable(client, table="ledger")
    with pytest.raises(RecordError, match="part of a key"):
        table.put_windows([window(text)])
    with pytest.raises(RecordError, match="part of a key"):
        table.put_labels([label(text)])
    with pytest.raises(RecordError, match="part of a key"):
        table.windows("ferry-delay", text, NOON, NOON + HOUR)


@pytest.mark.parametrize(
    "change",
    [{"release": "r-4"}, {"id": "b"}, {"rows": -1}, {"end": "2026-11-22T13:00:00.000Z"}],
    ids=str,
)
def test_an_item_that_was_planted_is_refused(client: Any, change: dict[str, Any]) -> None:
    table = LedgerTable(client, table="ledger")
    table.put_windows([window("a")])
    (item,) = client.scan(TableName="ledger")["Items"]
    item["body"] = {"S": json.dumps(json.loads(item["body"]["S"]) | change)}
    client.put_item(TableName="ledger", Item=item)
    with pytest.raises(CorruptRecordError):
        table.windows("ferry-delay", "r-3", NOON - HOUR, NOON + HOUR)


def test_an_item_without_content_is_refused(client: Any) -> None:
    key = {
        "PK": {"S": "L#ferry-delay#2026-11-22T12"},
        "SK": {"S": "2026-11-22T12:00:00.000Z#a#0"},
        "r0": {"S": ""},
    }
    client.put_item(TableName="ledger", Item=key)
    with pytest.raises(CorruptRecordError, match="not JSON"):
        LedgerTable(client, table="ledger").labels("ferry-delay", NOON, NOON + HOUR)
