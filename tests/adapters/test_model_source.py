"""Large models from S3 (moto): streamed from any byte on, with errors that can be retried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from tests.fakes.package import package, unpack
from tests.fakes.packages import model_apart
from tests.functions.test_endpoint import SETTINGS
from tidegate.aws.model_source import BucketModelSource, open_source
from tidegate.errors import ModelUnavailableError
from tidegate.package.archive import open_package
from tidegate.package.whole import model_key
from tidegate.serving import endpoint
from tidegate.serving.service import open_service

BUCKET = SETTINGS.artifacts_bucket
DATA = bytes(range(256)) * 10_000


@pytest.fixture
def s3(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=entry["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.mark.parametrize("start", [0, 1, 1024 * 1024, len(DATA) - 1])
def test_an_object_is_streamed_from_any_byte_on(s3: object, start: int) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="packages/m/a.onnx", Body=DATA)
    source = open_source(SETTINGS)
    assert b"".join(source.stream("packages/m/a.onnx", start=start)) == DATA[start:]


def test_an_object_that_is_not_there_can_be_asked_for_again(s3: object) -> None:
    with pytest.raises(
        ModelUnavailableError, match=f"s3://{BUCKET}/packages/m/b.onnx: .*NoSuchKey"
    ):
        list(open_source(SETTINGS).stream("packages/m/b.onnx", start=0))


def test_a_bucket_out_of_reach_can_be_asked_again() -> None:
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ModelUnavailableError, match="Could not connect"):
        list(BucketModelSource(client, bucket=BUCKET).stream("packages/m/a.onnx", start=0))
    client.close()


def test_the_endpoint_serves_a_model_from_the_bucket(
    s3: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, model = model_apart(package())
    found = open_package(apart)
    assert found.pointer is not None
    key = model_key(found, found.pointer)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=model)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    code = unpack(apart, tmp_path / "code")
    service = open_service(SETTINGS, code, open_source=endpoint._open_source)

    assert service.predictor is not None
