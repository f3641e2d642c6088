"""Our side's server: the pinned emulator of the local cloud, with the registry's table and key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tidegate_cli.local import cloud, server
from tidegate_cli.local.state import ACCOUNT, REGION

TABLE = "tidegate-bench-registry"
KEY = "alias/tidegate-bench-signing"
_SLOWEST = 600  # seconds: the emulator's Query looks at every row of a partition


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start an empty emulator on a free port, give its address, and stop it in the end."""
    cloud.down(folder)  # what an interrupted run left behind
    cloud.clear(folder)
    endpoint = cloud.up(folder, port=server.free_port(0), progress=lambda _: None)
    try:
        _make_table(client(endpoint.url, "dynamodb"))
        _make_key(client(endpoint.url, "kms"))
        yield endpoint.url
    finally:
        cloud.down(folder)


def client(url: str, service: str) -> Any:
    """Return a boto3 client of the emulator."""
    make: Any = boto3.client  # typed per literal name, and this one is a variable
    return make(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="test",
        config=Config(read_timeout=_SLOWEST, retries={"total_max_attempts": 1}),
    )


def _make_table(dynamodb: Any) -> None:
    """Make the table as `stacks/constructs/registry_table.py` does."""
    names = ("PK", "SK", "digest")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": "PK", "KeyType": "HASH"},
            {"AttributeName": "SK", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-digest",
                "KeySchema": [{"AttributeName": "digest", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def _make_key(kms: Any) -> None:
    made = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    kms.create_alias(AliasName=KEY, TargetKeyId=made["KeyMetadata"]["KeyId"])
