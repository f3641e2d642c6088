"""The artifacts port in memory: versions are kept, as in a versioned bucket."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tidegate.errors import NotFoundError, ObjectExistsError
from tidegate.registry.values import DataObject


@dataclass
class MemoryArtifacts:
    """Implements `Artifacts`."""

    bucket: str = "artifacts"
    versions: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    _count: int = 0

    def get(self, key: str, *, version_id: str = "") -> bytes:
        for found, data in reversed(self.versions.get(key, [])):
            if found == version_id or (not version_id and key not in self.deleted):
                return data
        raise NotFoundError(f"{self.uri(key)} does not exist")

    def put(self, key: str, data: bytes, *, overwrite: bool = False) -> DataObject:
        if not overwrite and key in self.versions and key not in self.deleted:
            raise ObjectExistsError(f"{self.uri(key)} is there already")
        self._count += 1
        self.versions.setdefault(key, []).append((f"v{self._count}", bytes(data)))
        self.deleted.discard(key)
        return self._describe(key)

    def list(self, prefix: str) -> tuple[DataObject, ...]:
        keys = sorted(key for key in self.versions if key.startswith(prefix))
        return tuple(self._describe(key) for key in keys if key not in self.deleted)

    def describe(self, key: str) -> DataObject:
        if key not in self.versions or key in self.deleted:
            raise NotFoundError(f"{self.uri(key)} does not exist")
        return self._describe(key)

    def delete(self, key: str) -> None:
        if key in self.versions:
            self.deleted.add(key)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def _describe(self, key: str) -> DataObject:
        version, data = self.versions[key][-1]
        return DataObject(key, version, hashlib.sha256(data).hexdigest(), len(data))
