"""What adapters are tested against: one emulated AWS for the session, and two state machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

from tidegate.settings import Settings

BUCKET = "bucket-of-a-test"
SETTINGS = Settings("dev", "123456789012", "us-east-1")
MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 900, "End": True}}}


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def state_machines() -> Iterator[Any]:
    """Yield a client of Step Functions in which a training and a release wait when started."""
    with mock_aws():
        found = boto3.client(
            "stepfunctions",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for name in (SETTINGS.names.train_machine, SETTINGS.names.release_machine):
            found.create_state_machine(
                name=name,
                definition=json.dumps(MACHINE),
                roleArn="arn:aws:iam::123456789012:role/machine",
            )
        yield found


@pytest.fixture
def s3(moto_url: str) -> Iterator[Any]:
    """Yield a client of S3 in which `BUCKET` keeps versions; it is removed afterwards."""
    client: Any = boto3.client(
        "s3",
        endpoint_url=moto_url,
        region_name="us-east-1",
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield client
    found = client.list_object_versions(Bucket=BUCKET)
    for left in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        client.delete_object(Bucket=BUCKET, Key=left["Key"], VersionId=left["VersionId"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()
