"""The stock port: one behaviour suite over the fake and over S3 (moto's server)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.adapters.conftest import BUCKET
from tests.fakes.stock import MemoryStock
from tidegate.aws.package_stock import PackageStock
from tidegate.training.sweeping import Stock

PREFIX = "packages/iris/"
World = tuple[Stock, Callable[[str], object]]


@pytest.fixture(params=["memory", "s3"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        memory = MemoryStock()
        return memory, lambda key: memory.put(key, datetime.now(UTC))
    client = request.getfixturevalue("s3")
    stock = PackageStock(client, bucket=BUCKET)
    return stock, lambda key: client.put_object(Bucket=BUCKET, Key=key, Body=b"package")


def test_every_version_of_an_object_is_listed_with_its_time(world: World) -> None:
    stock, put = world
    put(f"{PREFIX}a.zip")
    put(f"{PREFIX}a.zip")
    put("packages/iris-2/a.zip")

    found = stock.versions(PREFIX)

    assert [stored.key for stored in found] == [f"{PREFIX}a.zip"] * 2
    assert len({stored.version_id for stored in found}) == 2
    assert all(abs((stored.modified - datetime.now(UTC)).total_seconds()) < 60 for stored in found)


def test_a_removal_takes_the_named_version_and_leaves_a_newer_one(world: World) -> None:
    stock, put = world
    put(f"{PREFIX}a.zip")
    (old,) = stock.versions(PREFIX)
    put(f"{PREFIX}a.zip")

    stock.remove(old)
    stock.remove(old)

    (left,) = stock.versions(PREFIX)
    assert left.version_id != old.version_id


def test_nothing_lies_under_an_unknown_prefix(world: World) -> None:
    assert world[0].versions("packages/rose/") == ()
