"""The artifacts port: immutable objects by derived key."""

from __future__ import annotations

from typing import Protocol

from tidegate.registry.values import DataObject


class Artifacts(Protocol):
    """The environment's bucket."""

    def get(self, key: str, *, version_id: str = "") -> bytes:
        """Return an object's bytes; raise `NotFoundError` naming the key."""
        ...

    def put(self, key: str, data: bytes, *, overwrite: bool = False) -> DataObject:
        """Store bytes; without `overwrite`, raise `ObjectExistsError` when the key is taken."""
        ...

    def list(self, prefix: str) -> tuple[DataObject, ...]:
        """Return the current objects under a prefix, sorted, with checksum and version id."""
        ...

    def describe(self, key: str) -> DataObject:
        """Return checksum, size and version id; raise `NotFoundError` naming the key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an orphan; deleting what is not there is no error."""
        ...

    def uri(self, key: str) -> str:
        """Return the `s3://` form of a key."""
        ...
