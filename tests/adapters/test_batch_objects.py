"""The batch room's objects: one behaviour suite over the fake and over S3 (moto's server)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.adapters.conftest import BUCKET
from tests.fakes.batch_objects import MemoryObjects
from tidegate.aws.batch_objects import BatchObjects
from tidegate.batch.ports import Objects
from tidegate.errors import BatchError


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "memory":
        return MemoryObjects()
    return BatchObjects(request.getfixturevalue("s3"))


def test_objects_are_listed_in_order_below_a_prefix(objects: Objects) -> None:
    for key in ("in/b.csv", "in/a.csv", "other/c.csv"):
        objects.put(BUCKET, key, key.encode())

    found = list(objects.list(BUCKET, "in/"))
    assert [(item.bucket, item.key, item.size) for item in found] == [
        (BUCKET, "in/a.csv", 8),
        (BUCKET, "in/b.csv", 8),
    ]
    assert found[0].etag != found[1].etag


def test_an_object_is_fetched_with_its_version_and_digest(objects: Objects, tmp_path: Path) -> None:
    objects.put(BUCKET, "in/a.csv", b"one")
    (source,) = objects.list(BUCKET, "in/")
    fetched = objects.fetch(source, tmp_path / "input")

    assert (tmp_path / "input").read_bytes() == b"one"
    assert (fetched.sha256, fetched.size) == (hashlib.sha256(b"one").hexdigest(), 3)
    assert fetched.version_id


@pytest.mark.parametrize("change", [b"two", b"one!"])
def test_an_object_that_was_replaced_is_refused(
    objects: Objects, tmp_path: Path, change: bytes
) -> None:
    objects.put(BUCKET, "in/a.csv", b"one")
    (source,) = objects.list(BUCKET, "in/")
    objects.put(BUCKET, "in/a.csv", change)

    with pytest.raises(BatchError, match=rf"s3://{BUCKET}/in/a\.csv was replaced"):
        objects.fetch(source, tmp_path / "input")


def test_a_file_is_stored_and_its_checksum_kept(objects: Objects, tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"scored" * 1000)
    stored = objects.store(path, BUCKET, "out/a.csv")

    assert stored.sha256 == hashlib.sha256(b"scored" * 1000).hexdigest()
    assert objects.checksum(BUCKET, "out/a.csv") == stored.sha256
    assert objects.get(BUCKET, "out/a.csv") == b"scored" * 1000
    assert objects.store(path, BUCKET, "out/a.csv").version_id != stored.version_id


def test_what_is_not_there_is_nothing(objects: Objects) -> None:
    assert objects.get(BUCKET, "out/none") is None
    assert objects.checksum(BUCKET, "out/none") == ""
    assert list(objects.list(BUCKET, "none/")) == []
