"""Storage: bring a job's channels from S3 to its folder and its model back, as the job's role.

A role without the permission fails the job, as it would on AWS.
"""

import importlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import seams


class Storage:
    """S3 as one role sees it."""

    def __init__(self, role_arn: str, job: str, port: int) -> None:
        runtime = seams.load("ministack.core.lambda_runtime")
        account = role_arn.split(":")[4]
        # the emulator makes role sessions for functions; a job borrows that under a name of its own
        credentials = runtime.execution_credentials(
            {
                "FunctionArn": f"arn:aws:lambda:us-east-1:{account}:function:{job}",
                "FunctionName": "SageMaker",
                "Role": role_arn,
            }
        )
        config = importlib.import_module("botocore.config").Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 3, "mode": "standard"}
        )
        session = importlib.import_module("botocore.session").get_session()
        self._client: Any = session.create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials["AWS_SESSION_TOKEN"],
            config=config,
        )

    def fetch(self, channel: dict[str, Any], folder: Path) -> int:
        """Write a channel's objects under `folder` and return how many there were."""
        source = channel["DataSource"]["S3DataSource"]
        bucket, key = split(source["S3Uri"])
        members = self._prefix if source["S3DataType"] == "S3Prefix" else self._manifest
        count = 0
        for object_bucket, object_key, name in members(bucket, key):
            target = folder / name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"the object {object_key} would leave its channel")
            target.parent.mkdir(parents=True, exist_ok=True)
            body = self._client.get_object(Bucket=object_bucket, Key=object_key)["Body"]
            with target.open("wb") as file:
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)
            count += 1
        return count

    def store(self, folder: Path, archive: Path, uri: str) -> None:
        """Pack a folder as tar.gz and upload it."""
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, arcname=path.name)
        bucket, key = split(uri)
        with archive.open("rb") as file:
            self._client.put_object(Bucket=bucket, Key=key, Body=file)

    def _prefix(self, bucket: str, prefix: str) -> Iterator[tuple[str, str, str]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                key = entry["Key"]
                name = key[len(prefix) :].lstrip("/") or key.rsplit("/", 1)[-1]
                if not key.endswith("/"):
                    yield bucket, key, name

    def _manifest(self, bucket: str, key: str) -> Iterator[tuple[str, str, str]]:
        body = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        head, *names = json.loads(body)
        base_bucket, base = split(head["prefix"])
        for name in names:
            yield base_bucket, f"{base}{name}", name


def split(uri: str) -> tuple[str, str]:
    """Split an S3 URI into bucket and key.

    >>> split("s3://bucket/a/b")
    ('bucket', 'a/b')
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
