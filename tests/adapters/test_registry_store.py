"""One behaviour suite for the registry's store: over the fake and over an emulated table."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.made import PATIENT, START, digest, draft, gate, later, release, run, version
from tests.fakes.registry_store import FakeRegistryStore
from tests.fakes.signer import FakeSigner
from tidegate.aws.registry_table import RegistryTable
from tidegate.errors import (
    CorruptRecordError,
    ImmutableError,
    RecordError,
    RegistryConflictError,
    RequestError,
)
from tidegate.registry.book import Registry
from tidegate.registry.retries import Retries
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Event, Meta, Pointer, Release, Run, Version

TABLE = "tidegate-test-registry"


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def dynamodb(moto_url: str) -> Iterator[Any]:
    client = boto3.client(
        "dynamodb",
        endpoint_url=moto_url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}),
    )
    key = {"PK": "HASH", "SK": "RANGE"}
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in (*key, "digest")],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in key.items()],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-digest",
                "KeySchema": [{"AttributeName": "digest", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    yield client
    client.delete_table(TableName=TABLE)
    client.close()


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> RegistryStore:
    if request.param == "fake":
        return FakeRegistryStore()
    client: Any = OneAtATime(request.getfixturevalue("dynamodb"))
    return RegistryTable(client, table=TABLE)


class OneAtATime:
    """A client whose transactions exclude each other, as DynamoDB's do and moto's do not."""

    def __init__(self, client: Any) -> None:
        self._client, self._lock = client, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        with self._lock:
            return self._client.transact_write_items(**request)


def event(sequence: int, kind: str = "Noted") -> Event:
    return Event("iris", sequence, kind, START, "ann", "because")


def head(rev: int, counter: int = 0) -> Meta:
    return Meta("iris", "ann", rev, counter)


def test_what_is_committed_is_read_back(store: RegistryStore) -> None:
    pointer = Pointer("iris", "champion", "1", 1, START, "r-1")
    store.commit(head(1, 1), [version(), release(), pointer, run()], event(1))
    assert store.read(Meta, "iris") == head(1, 1)
    assert store.read(Version, "iris", "1") == version()
    assert store.read(Release, "iris", "r-1") == release()
    assert store.read(Pointer, "iris", "champion") == pointer
    assert store.events("iris") == (event(1),)
    assert store.models() == ("iris",)


def test_what_was_never_written_is_none(store: RegistryStore) -> None:
    assert store.read(Meta, "iris") is None
    assert store.newest(Version, "iris") == ()
    assert store.events("iris") == ()
    assert store.models() == ()


def test_of_many_commits_on_one_revision_exactly_one_wins(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))

    def promote(rev: int, number: int) -> bool:
        pointer = Pointer("iris", "champion", str(number), 1, START)
        try:
            store.commit(head(rev), [pointer], event(rev, "ChampionMoved"))
        except RegistryConflictError:
            return False
        return True

    for rev in (2, 3, 4):
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(lambda n, rev=rev: promote(rev, n), range(1, 31)))  # type: ignore[misc]
        assert sum(won) == 1
        pointer = store.read(Pointer, "iris", "champion")
        assert pointer is not None
        assert won[int(pointer.target) - 1]
    assert store.read(Meta, "iris") == head(4)
    assert len(store.events("iris")) == 4


def test_a_model_is_created_once(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))
    with pytest.raises(RegistryConflictError):
        store.commit(replace(head(1), owner="eve"), [], event(1))
    assert store.read(Meta, "iris") == head(1)


def test_a_lost_commit_writes_nothing_at_all(store: RegistryStore) -> None:
    store.commit(head(1), [], event(1))
    with pytest.raises(RegistryConflictError):
        store.commit(head(3), [version()], event(3))
    assert store.read(Version, "iris", "1") is None
    assert len(store.events("iris")) == 1


def test_the_same_version_with_other_content_is_refused(store: RegistryStore) -> None:
    store.commit(head(1), [version()], event(1))
    with pytest.raises(ImmutableError):
        store.commit(head(2), [version(package_digest=digest("f"))], event(2))
    assert store.read(Version, "iris", "1") == version()
    assert store.read(Meta, "iris") == head(1)


def test_the_status_of_a_version_may_change(store: RegistryStore) -> None:
    store.commit(head(1), [version()], event(1))
    store.commit(head(2), [version(status="approved")], event(2))
    found = store.read(Version, "iris", "1")
    assert found is not None
    assert found.status == "approved"


def test_newest_comes_first_and_is_limited(store: RegistryStore) -> None:
    for number in range(1, 13):
        store.commit(head(number, number), [version(number)], event(number))
    assert [v.number for v in store.newest(Version, "iris", limit=3)] == [12, 11, 10]
    assert len(store.newest(Version, "iris")) == 12


def test_events_come_in_order_after_a_sequence(store: RegistryStore) -> None:
    for number in range(1, 13):
        store.commit(head(number), [], event(number))
    assert [e.sequence for e in store.events("iris", after=9)] == [10, 11, 12]
    assert [e.sequence for e in store.events("iris", after=2, limit=2)] == [3, 4]


def test_runs_are_found_by_their_identity(store: RegistryStore) -> None:
    wanted = run("iris-2", identity=digest("f"))
    store.commit(head(1), [run("iris-1"), wanted, version(package_digest=digest("f"))], event(1))
    assert store.with_digest(Run, digest("f")) == (wanted,)
    assert store.with_digest(Run, digest("0")) == ()


def test_models_are_kept_apart(store: RegistryStore) -> None:
    store.commit(head(1), [version()], event(1))
    other = replace(event(1), model="iris-2")
    store.commit(replace(head(1), model="iris-2"), [], other)
    assert store.newest(Version, "iris-2") == ()
    assert store.models() == ("iris", "iris-2")


@pytest.mark.parametrize("key", ["../1", "1#2", "", "x" * 300, "a\0"])
def test_a_key_that_could_leave_its_place_is_refused(store: RegistryStore, key: str) -> None:
    with pytest.raises(RequestError):
        store.read(Run, "iris", key)


def test_what_is_not_finite_is_named_and_nothing_is_written(store: RegistryStore) -> None:
    with pytest.raises(RecordError, match=r"Version\.metrics\.auc: nan"):
        store.commit(head(1), [version(metrics={"auc": float("nan")})], event(1))
    assert store.read(Meta, "iris") is None


def test_the_whole_registry_works_on_it(store: RegistryStore) -> None:
    book = Registry(store, FakeAnnouncer(), retries=PATIENT)
    book.ensure_model("iris", owner="ann", at=START, actor="ann")
    with ThreadPoolExecutor(8) as pool:
        numbers = pool.map(
            lambda i: (
                book.register(
                    "iris",
                    draft(),
                    FakeSigner(),
                    at=later(i),
                    actor="t",
                    request_id=f"run-{i % 10}",
                ).number
            ),
            range(20),
        )
    assert sorted(set(numbers)) == list(range(1, 11))
    assert {v.status for v in book.versions("iris")} == {"approved"}
    sequences = [e.sequence for e in book.events("iris")]
    assert sequences == list(range(1, len(sequences) + 1))


# -- of the table alone


def plant(dynamodb: Any, **attributes: Any) -> None:
    """Change a stored item behind the registry's back."""
    key = {"PK": {"S": "MODEL#iris"}, "SK": {"S": "V#00000001"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]
    dynamodb.put_item(TableName=TABLE, Item={**item, **attributes})


@pytest.mark.parametrize(
    "planted",
    [
        {"package_digest": {"S": "e" * 64}},
        {"model": {"S": "other"}},
        {"number": {"N": "2"}},
        {"status": {"S": "great"}},
        {"bucket": {"S": "evil"}},
        {"SK": {"S": "V#00000009"}},
    ],
    ids=lambda planted: next(iter(planted)),
)
def test_a_row_planted_into_the_table_is_refused(dynamodb: Any, planted: dict[str, Any]) -> None:
    table = RegistryTable(dynamodb, table=TABLE)
    table.commit(head(1), [version()], event(1))
    plant(dynamodb, **planted)
    with pytest.raises(CorruptRecordError):
        table.newest(Version, "iris")


def test_an_item_beyond_400_kilobytes_names_its_largest_field(dynamodb: Any) -> None:
    table = RegistryTable(dynamodb, table=TABLE)
    gates = tuple(replace(gate(), reason="x" * 1000) for _ in range(420))
    with pytest.raises(RecordError, match="largest field is 'gates'"):
        table.commit(head(1), [version(gates=gates)], event(1))


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


def test_two_transaction_conflicts_are_waited_out_with_jitter(dynamodb: Any) -> None:
    waits: list[float] = []
    patience = Retries(attempts=4, base=0.1, sleep=waits.append, chance=lambda: 0.5)
    client: Any = Busy(dynamodb, "TransactionConflict", "TransactionConflict")
    table = RegistryTable(client, table=TABLE, retries=patience)
    table.commit(head(1), [], event(1))
    assert waits == [0.05, 0.1]
    assert table.read(Meta, "iris") == head(1)


def test_endless_transaction_conflicts_are_a_registry_conflict(dynamodb: Any) -> None:
    client: Any = Busy(dynamodb, *["TransactionConflict"] * 9)
    patience = Retries(attempts=3, sleep=lambda _: None)
    with pytest.raises(RegistryConflictError, match="written to by others"):
        RegistryTable(client, table=TABLE, retries=patience).commit(head(1), [], event(1))


def test_an_error_that_is_no_conflict_rises_as_it_is(dynamodb: Any) -> None:
    client: Any = Busy(dynamodb, "ValidationError")
    with pytest.raises(ClientError):
        RegistryTable(client, table=TABLE).commit(head(1), [], event(1))


def test_a_long_list_is_read_page_by_page(dynamodb: Any) -> None:
    table = RegistryTable(dynamodb, table=TABLE)
    long = (replace(gate(), reason="x" * 300_000),)
    for number in range(1, 7):
        table.commit(head(number, number), [version(number, gates=long)], event(number))
    assert [v.number for v in table.newest(Version, "iris")] == [6, 5, 4, 3, 2, 1]
    assert len(table.newest(Version, "iris", limit=5)) == 5
