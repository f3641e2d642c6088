"""What a batch job needs of the outside: objects in buckets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tidegate.batch.values import Source, Stored


class Objects(Protocol):
    """Objects of any bucket that the caller may use."""

    def list(self, bucket: str, prefix: str) -> Iterator[Source]:
        """Yield the current objects under a prefix, in the order of their keys."""
        ...

    def fetch(self, source: Source, to: Path) -> Stored:
        """Copy an object into a file; raise `BatchError` when it is gone or was replaced."""
        ...

    def store(self, path: Path, bucket: str, key: str) -> Stored:
        """Write a file's bytes as an object; the store checks their SHA-256."""
        ...

    def checksum(self, bucket: str, key: str) -> str:
        """Return the SHA-256 that the store keeps of an object; empty when there is none."""
        ...

    def get(self, bucket: str, key: str) -> bytes | None:
        """Return a small object, or None when it is not there."""
        ...

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Write a small object, over an earlier one."""
        ...
