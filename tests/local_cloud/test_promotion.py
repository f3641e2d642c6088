"""Two accounts of one emulator: `tidegate promote` and a registry's way out and back, for real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes.sides import MODEL, train
from tests.local_cloud.driver import Driver
from tidegate.catalog import Catalog
from tidegate.errors import SignatureError
from tidegate.package import keys
from tidegate.registry.signing import Signed, statement_of
from tidegate.release import authenticity
from tidegate_cli.cloud import Cloud, connect
from tidegate_cli.commands.promote import side_of
from tidegate_cli.main import app

pytestmark = pytest.mark.local
REGION = "us-east-1"
ACCOUNTS = {"staging": "1" * 12, "prod": "2" * 12, "dev": "3" * 12}
SIDES = ("--from", "staging", "--to", "prod", "--from-profile", "stage", "--to-profile", "live")
PROFILES = {"stage": "staging", "live": "prod", "spare": "dev"}


@pytest.fixture(scope="module")
def root(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a checkout that declares three accounts, and AWS profiles that open them."""
    folder = tmp_path_factory.mktemp("accounts")
    environments = {e: {"account": a, "region": REGION} for e, a in ACCOUNTS.items()}
    (folder / "cdk.json").write_text(json.dumps({"context": {"environments": environments}}))
    credentials = "".join(
        f"[{p}]\naws_access_key_id = {ACCOUNTS[e]}\naws_secret_access_key = test\n"
        for p, e in PROFILES.items()
    )
    (folder / "credentials").write_text(credentials)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        patch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
        patch.setenv("AWS_ENDPOINT_URL", driver.endpoint.url)
        patch.setenv("TIDEGATE_ROOT", str(folder))
        patch.setenv("TIDEGATE_ACTOR", "bob")
        patch.setenv("COLUMNS", "200")
        for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.delenv(variable, raising=False)
        yield folder


def opened(root: Path, profile: str) -> Cloud:
    """Make what the platform stack makes, as far as promotions need it."""
    cloud = connect(root, PROFILES[profile], profile=profile)
    names, kinds = cloud.settings.names, {"PK": "HASH", "SK": "RANGE"}
    cloud.client("s3").create_bucket(Bucket=cloud.settings.artifacts_bucket)
    cloud.client("events").create_event_bus(Name=names.bus)
    kms = cloud.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=names.signing_key, TargetKeyId=key)
    cloud.client("dynamodb").create_table(
        TableName=names.registry_table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in (*kinds, "digest")
        ],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in kinds.items()],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-digest",
                "KeySchema": [{"AttributeName": "digest", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return cloud


@pytest.fixture(scope="module")
def staging(root: Path) -> Cloud:
    cloud = opened(root, "stage")
    train(side_of(cloud))
    return cloud


@pytest.fixture(scope="module")
def prod(root: Path) -> Cloud:
    return opened(root, "live")


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> Any:
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_version_crosses_accounts_with_the_same_bytes_and_a_signature_of_there(
    staging: Cloud, prod: Cloud
) -> None:
    found = answer("promote", f"{MODEL}@1", *SIDES)
    assert (found["version"]["number"], found["version"]["status"]) == (1, "approved")
    source, version = staging.registry.version(MODEL, 1), prod.registry.version(MODEL, 1)
    key = keys.package_file(MODEL, version.package_digest)
    assert prod.artifacts.get(key) == staging.artifacts.get(key)
    shelf = Catalog(prod.registry, prod.artifacts)
    authenticity.check(version, registry=prod.registry, shelf=shelf, verifier=prod.signer)

    assert version.origin is not None
    assert version.origin.account == "1" * 12
    origin = Signed(version.origin.key, version.origin.algorithm, version.origin.signature)
    staging.signer.verify(statement_of(source).to_bytes(), origin)
    with pytest.raises(SignatureError):
        prod.signer.verify(statement_of(source).to_bytes(), origin)
    history = prod.artifacts.get(version.origin.history).splitlines()
    assert len(history) == 4  # its row, and that it was reserved, registered and approved
    assert answer("promote", f"{MODEL}@1", *SIDES)["is_new"] is False
    assert [one.number for one in prod.registry.versions(MODEL)] == [1]


def test_a_version_that_is_not_there_is_not_found(root: Path, staging: Cloud) -> None:
    result = call("promote", f"{MODEL}@1", "--from", "dev", "--to", "staging", *_through("stage"))
    assert result.exit_code == 4


def _through(profile: str) -> tuple[str, ...]:
    return "--from-profile", "spare", "--to-profile", profile


def test_the_profile_of_another_account_is_refused(root: Path) -> None:
    result = call("promote", f"{MODEL}@1", "--from", "staging", "--to", "prod", *_through("live"))
    assert result.exit_code == 5
    assert f"the credentials are of {ACCOUNTS['dev']}" in result.stderr


def test_a_registry_goes_out_and_comes_back_into_another_account(
    root: Path, staging: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spare, one, two = opened(root, "spare"), tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    monkeypatch.setenv("AWS_PROFILE", "stage")
    answer("registry", "export", "--out", str(one), "--env", "staging")
    monkeypatch.setenv("AWS_PROFILE", "spare")
    told = call("registry", "import", str(one), "--env", "dev")
    assert told.exit_code == 0, told.output
    assert "signed by the key of there" in told.stderr
    answer("registry", "export", "--out", str(two), "--env", "dev")
    assert one.read_bytes().splitlines()[1:] == two.read_bytes().splitlines()[1:]
    assert spare.registry.events(MODEL) == staging.registry.events(MODEL)
