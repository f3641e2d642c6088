"""The batch room's objects over S3: pinned reads, checked writes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tidegate.batch.values import Source, Stored
from tidegate.errors import BatchError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# S3 answers 403 for what is not there when the caller may list only some prefixes.
_ABSENT = ("NoSuchKey", "404", "403", "AccessDenied")
_GONE = ("NoSuchKey", "404", "PreconditionFailed", "412")
BLOCK = 1 << 20


class BatchObjects:
    """Implements `Objects`."""

    def __init__(self, client: S3Client) -> None:
        """Use an S3 client."""
        self._client = client

    def list(self, bucket: str, prefix: str) -> Iterator[Source]:
        """Yield the current objects under a prefix, in the order of their keys."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", []):
                yield Source(bucket, entry["Key"], entry["ETag"], entry["Size"])

    def fetch(self, source: Source, to: Path) -> Stored:
        """Copy an object into a file; raise `BatchError` when it is gone or was replaced."""
        try:
            answer = self._client.get_object(
                Bucket=source.bucket, Key=source.key, IfMatch=source.etag
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise BatchError(
                    f"s3://{source.bucket}/{source.key} was replaced or removed since it was listed"
                ) from error
            raise
        digest = hashlib.sha256()
        with to.open("wb") as file:
            for block in answer["Body"].iter_chunks(BLOCK):
                digest.update(block)
                file.write(block)
        version = _version(answer.get("VersionId", ""))
        return Stored(source.bucket, source.key, version, digest.hexdigest(), to.stat().st_size)

    def store(self, path: Path, bucket: str, key: str) -> Stored:
        """Write a file's bytes as an object; S3 checks their SHA-256."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            file.seek(0)
            checksum = base64.b64encode(digest.digest()).decode()
            answer = self._client.put_object(
                Bucket=bucket,
                Key=key,
                Body=file,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
            )
        version = _version(answer.get("VersionId", ""))
        return Stored(bucket, key, version, digest.hexdigest(), path.stat().st_size)

    def checksum(self, bucket: str, key: str) -> str:
        """Return the SHA-256 that S3 keeps of an object; empty when there is none."""
        try:
            head = self._client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return ""
            raise
        checksum = head.get("ChecksumSHA256", "")
        # "-": of an upload in parts, which is none of ours; the checksum is of their checksums.
        return "" if "-" in checksum else base64.b64decode(checksum).hex()

    def get(self, bucket: str, key: str) -> bytes | None:
        """Return a small object, or None when it is not there."""
        try:
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Write a small object, over an earlier one."""
        self._client.put_object(Bucket=bucket, Key=key, Body=data)


def _version(text: str) -> str:
    return "" if text == "null" else text
