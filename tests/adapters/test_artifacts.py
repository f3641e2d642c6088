"""The artifacts port: one behaviour suite over the fake and over S3 (moto's server)."""

from __future__ import annotations

import hashlib

import pytest

from tests.adapters.conftest import BUCKET
from tests.fakes.artifacts import MemoryArtifacts
from tidegate.aws.artifact_bucket import ArtifactBucket
from tidegate.errors import NotFoundError, ObjectExistsError
from tidegate.package.artifacts import Artifacts


@pytest.fixture(params=["memory", "s3"])
def artifacts(request: pytest.FixtureRequest) -> Artifacts:
    if request.param == "memory":
        return MemoryArtifacts(BUCKET)
    client = request.getfixturevalue("s3")
    # What did not come through the adapter: an object without a SHA-256.
    client.put_object(Bucket=BUCKET, Key="foreign/plain", Body=b"plain")
    return ArtifactBucket(client, bucket=BUCKET)


def test_what_is_put_is_got_and_described(artifacts: Artifacts) -> None:
    stored = artifacts.put("packages/m/a.zip", b"one")

    assert artifacts.get("packages/m/a.zip") == b"one"
    assert stored.checksum == hashlib.sha256(b"one").hexdigest()
    assert (stored.key, stored.size) == ("packages/m/a.zip", 3)
    assert stored.version_id
    assert artifacts.list("packages/") == (stored,)
    assert artifacts.describe("packages/m/a.zip") == stored


def test_what_is_not_there_is_not_described(artifacts: Artifacts) -> None:
    with pytest.raises(NotFoundError, match=f"s3://{BUCKET}/packages/m/b.zip"):
        artifacts.describe("packages/m/b.zip")
    stored = artifacts.put("packages/m/b.zip", b"one")
    artifacts.delete(stored.key)
    with pytest.raises(NotFoundError, match=f"s3://{BUCKET}/packages/m/b.zip"):
        artifacts.describe("packages/m/b.zip")


def test_a_taken_key_is_kept(artifacts: Artifacts) -> None:
    artifacts.put("packages/m/a.zip", b"one")

    with pytest.raises(ObjectExistsError, match=f"s3://{BUCKET}/packages/m/a.zip"):
        artifacts.put("packages/m/a.zip", b"two")

    assert artifacts.get("packages/m/a.zip") == b"one"


def test_an_overwritten_object_is_still_there_under_its_version(artifacts: Artifacts) -> None:
    first = artifacts.put("data/m/a.csv", b"one", overwrite=True)
    second = artifacts.put("data/m/a.csv", b"two", overwrite=True)

    assert artifacts.get("data/m/a.csv") == b"two"
    assert artifacts.get("data/m/a.csv", version_id=first.version_id) == b"one"
    assert artifacts.list("data/m/") == (second,)


def test_a_missing_object_is_named(artifacts: Artifacts) -> None:
    with pytest.raises(NotFoundError, match=f"s3://{BUCKET}/data/none"):
        artifacts.get("data/none")


def test_a_listing_is_sorted_and_of_one_prefix(artifacts: Artifacts) -> None:
    for key in ("data/m/b", "data/m/a", "data/n/a", "data/m/c"):
        artifacts.put(key, key.encode())

    assert [found.key for found in artifacts.list("data/m/")] == [
        "data/m/a",
        "data/m/b",
        "data/m/c",
    ]
    assert artifacts.list("nothing/") == ()


def test_a_deleted_object_is_gone_and_its_key_is_free(artifacts: Artifacts) -> None:
    artifacts.put("packages/m/orphan", b"one")
    artifacts.delete("packages/m/orphan")
    artifacts.delete("packages/m/orphan")
    artifacts.delete("packages/m/never")

    assert artifacts.list("packages/m/") == ()
    with pytest.raises(NotFoundError):
        artifacts.get("packages/m/orphan")
    assert artifacts.put("packages/m/orphan", b"two").size == 3


def test_an_object_without_checksum_is_hashed_by_reading_it(artifacts: Artifacts) -> None:
    if isinstance(artifacts, MemoryArtifacts):
        artifacts.put("foreign/plain", b"plain")

    (found,) = artifacts.list("foreign/")

    assert found.checksum == hashlib.sha256(b"plain").hexdigest()


def test_an_address_has_the_form_of_s3(artifacts: Artifacts) -> None:
    assert artifacts.uri("data/m/a") == f"s3://{BUCKET}/data/m/a"
