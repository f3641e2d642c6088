"""The stock port over a versioned bucket: what lies there, removed by object version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.training.sweeping import Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PackageStock:
    """`Stock` over one bucket."""

    def __init__(self, client: S3Client, *, bucket: str) -> None:
        """Use an S3 client."""
        self._client, self._bucket = client, bucket

    def versions(self, prefix: str) -> tuple[Stored, ...]:
        """Return every object version under a prefix; delete markers are none."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return tuple(
            Stored(entry["Key"], entry["VersionId"], entry["LastModified"])
            for page in pages
            for entry in page.get("Versions", [])
        )

    def remove(self, stored: Stored) -> None:
        """Remove one object version; S3 says the same when it is gone."""
        self._client.delete_object(Bucket=self._bucket, Key=stored.key, VersionId=stored.version_id)
