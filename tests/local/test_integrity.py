"""CASES S4 and S6 in the local cloud: a release of altered bytes or a lost signature is refused.

Under the deployed roles and by the emulated KMS; the champion serves on, and an alarm rings.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.support import ADELIE, Checkout, Second
from tests.local_cloud.driver import eventually
from tidegate.aws.signing_key import SigningKey
from tidegate.client import Api
from tidegate.package import keys
from tidegate.package.archive import CONTENTS, build_package, open_package
from tidegate.package.manifest import CARD
from tidegate.registry import rows
from tidegate.registry.signing import Signed, statement_of
from tidegate.registry.values import Signature
from tidegate_cli.cloud import Cloud

MODEL = "penguins"


def refused_release(checkout: Checkout) -> dict[str, Any]:
    """Ask for another release of version 1; return the release as it was recorded."""
    printed = checkout.tidegate("--json", "release", f"{MODEL}@1", "-m", "once more", status=1)
    found: dict[str, Any] = json.loads(printed)
    assert found["state"] == "failed"
    assert found["function_version"] == ""  # nothing was published
    return found


def serves(cloud: Cloud, http: Api) -> None:
    champion = cloud.registry.champion(MODEL)
    assert champion is not None
    answer = http.predict(MODEL, records=[ADELIE])
    assert (answer.status, answer.body["version"]) == (200, champion.number)


def rang(cloud: Cloud) -> bool:
    name = f"{cloud.settings.names.prefix}-{MODEL}-package-refused"
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return bool(alarm["StateValue"] == "ALARM")


def test_what_register_signed_verifies_with_the_environments_key(
    second: Second, cloud: Cloud
) -> None:
    found = cloud.registry.signature(MODEL, 1)
    kms, alias = cloud.client("kms"), cloud.settings.names.signing_key
    key = SigningKey(kms, key_id=alias)
    assert found.key == kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    statement = statement_of(cloud.registry.version(MODEL, 1)).to_bytes()
    key.verify(statement, Signed(found.key, found.algorithm, found.value))


def flipped(good: bytes) -> bytes:
    """Flip one bit of one byte."""
    return good[:500] + bytes([good[500] ^ 1]) + good[501:]


def another(good: bytes) -> bytes:
    """Make another valid package of the same model."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        files = {name: archive.read(name) for name in CONTENTS}
    manifest = open_package(good).manifest
    return build_package(
        {**files, CARD: b"# Mine\n"},
        model=MODEL,
        lineage=manifest.lineage,
        metrics=manifest.metrics,
    )


@pytest.mark.parametrize("other", [flipped, another])
def test_other_bytes_in_the_bucket_are_not_released(
    checkout: Checkout,
    second: Second,
    cloud: Cloud,
    http: Api,
    other: Callable[[bytes], bytes],
) -> None:
    version = cloud.registry.version(MODEL, 1)
    key = keys.package_file(MODEL, version.package_digest)
    good = cloud.artifacts.get(key)
    cloud.artifacts.put(key, other(good), overwrite=True)
    try:
        release = refused_release(checkout)
    finally:
        cloud.artifacts.put(key, good, overwrite=True)
    assert release["outcome"].startswith("DigestMismatchError: the package's SHA-256 is")
    serves(cloud, http)
    eventually(lambda: rang(cloud), seconds=60)


def test_a_version_without_its_signature_is_not_released(
    checkout: Checkout, second: Second, cloud: Cloud, http: Api
) -> None:
    partition, sort = rows.row(Signature, MODEL, "1")
    table = {"TableName": cloud.settings.names.registry_table}
    row = {"PK": {"S": partition}, "SK": {"S": sort}}
    dynamodb = cloud.client("dynamodb")
    item = dynamodb.get_item(**table, Key=row)["Item"]
    dynamodb.delete_item(**table, Key=row)
    try:
        release = refused_release(checkout)
    finally:
        dynamodb.put_item(**table, Item=item)
    assert release["outcome"].startswith("SignatureError: version 1 of 'penguins' is not signed")
    serves(cloud, http)
