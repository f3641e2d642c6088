"""The artifacts port over S3: conditional writes, SHA-256 checksums kept and checked by S3."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tidegate.errors import NotFoundError, ObjectExistsError, RegistryConflictError
from tidegate.registry.values import DataObject

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, PutObjectRequestTypeDef

_MISSING = ("NoSuchKey", "NoSuchVersion", "404")
_TAKEN = ("PreconditionFailed", "412")
_RACE = ("ConditionalRequestConflict", "409")


class ArtifactBucket:
    """Implements `Artifacts` over one bucket."""

    def __init__(self, client: S3Client, *, bucket: str) -> None:
        """Use an S3 client."""
        self._client, self._bucket = client, bucket

    def get(self, key: str, *, version_id: str = "") -> bytes:
        """Return an object's bytes; raise `NotFoundError` naming the key."""
        try:
            return self._body(key, version_id).read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise NotFoundError(f"{self.uri(key)} does not exist") from error
            raise

    def put(self, key: str, data: bytes, *, overwrite: bool = False) -> DataObject:
        """Store bytes; without `overwrite`, raise `ObjectExistsError` when the key is taken."""
        digest = hashlib.sha256(data)
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": key,
            "Body": data,
            "ChecksumSHA256": base64.b64encode(digest.digest()).decode(),
        }
        if not overwrite:
            request["IfNoneMatch"] = "*"
        try:
            answer = self._client.put_object(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _TAKEN:
                raise ObjectExistsError(f"{self.uri(key)} is there already") from error
            if code in _RACE:
                raise RegistryConflictError(f"{self.uri(key)} is being written") from error
            raise
        return DataObject(key, answer.get("VersionId", ""), digest.hexdigest(), len(data))

    def list(self, prefix: str) -> tuple[DataObject, ...]:
        """Return the current objects under a prefix, sorted by key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        found = (self._describe(key) for key in sorted(keys))
        return tuple(described for described in found if described is not None)

    def describe(self, key: str) -> DataObject:
        """Return checksum, size and version id; raise `NotFoundError` naming the key."""
        found = self._describe(key)
        if found is None:
            raise NotFoundError(f"{self.uri(key)} does not exist")
        return found

    def delete(self, key: str) -> None:
        """Remove an orphan; deleting what is not there is no error."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def uri(self, key: str) -> str:
        """Return the `s3://` form of a key."""
        return f"s3://{self._bucket}/{key}"

    def _describe(self, key: str) -> DataObject | None:
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None  # deleted since it was listed
            raise
        version = head.get("VersionId", "")
        version = "" if version == "null" else version
        checksum = head.get("ChecksumSHA256", "")
        # "-": the checksum of an upload in parts is of the parts' checksums, not of the bytes.
        if checksum and "-" not in checksum:
            digest = base64.b64decode(checksum).hex()
        else:
            digest = self._hash(key, version)
        return DataObject(key, version, digest, head["ContentLength"])

    def _hash(self, key: str, version_id: str) -> str:
        """Read what came without a SHA-256 of its own, e.g. by the console, in pieces."""
        digest = hashlib.sha256()
        for piece in self._body(key, version_id).iter_chunks(1024 * 1024):
            digest.update(piece)
        return digest.hexdigest()

    def _body(self, key: str, version_id: str) -> StreamingBody:
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": key}
        if version_id:
            request["VersionId"] = version_id
        return self._client.get_object(**request)["Body"]
