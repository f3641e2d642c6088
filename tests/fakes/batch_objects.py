"""The batch room's objects in memory, and a workshop over them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.served import CONTRACT, NOON, FakeSession
from tidegate.batch.scorer import Scorer
from tidegate.batch.values import Piece, Source, Stored
from tidegate.batch.working import Workshop
from tidegate.contract import Contract
from tidegate.errors import BatchError
from tidegate.registry.values import Lineage, Version

DIGEST = "d" * 64
VERSION = Version(
    model="ferry-delay",
    number=3,
    status="champion",
    package_digest=DIGEST,
    package_size=1,
    contract_digest="c" * 64,
    created=NOON,
    created_by="jane",
    run="run-1",
    lineage=Lineage("a" * 64, "b" * 64, "c" * 64),
    metrics={},
    gates=(),
)


@dataclass
class MemoryObjects:
    """Implements `Objects`; a write replaces what was there and gets a version of its own."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def list(self, bucket: str, prefix: str) -> Iterator[Source]:
        for there, key in sorted(self.objects):
            if there == bucket and key.startswith(prefix):
                data = self.objects[there, key]
                yield Source(bucket, key, etag(data), len(data))

    def fetch(self, source: Source, to: Path) -> Stored:
        data = self.get(source.bucket, source.key)
        if data is None or etag(data) != source.etag:
            raise BatchError(
                f"s3://{source.bucket}/{source.key} was replaced or removed since it was listed"
            )
        self.fetched.append(source.key)
        to.write_bytes(data)
        return self._stored(source.bucket, source.key)

    def store(self, path: Path, bucket: str, key: str) -> Stored:
        self.put(bucket, key, path.read_bytes())
        return self._stored(bucket, key)

    def checksum(self, bucket: str, key: str) -> str:
        data = self.get(bucket, key)
        return "" if data is None else hashlib.sha256(data).hexdigest()

    def get(self, bucket: str, key: str) -> bytes | None:
        return self.objects.get((bucket, key))

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.objects[bucket, key] = data
        self.versions[bucket, key] = self.versions.get((bucket, key), 0) + 1

    def _stored(self, bucket: str, key: str) -> Stored:
        data = self.objects[bucket, key]
        version = f"v{self.versions[bucket, key]}"
        return Stored(bucket, key, version, hashlib.sha256(data).hexdigest(), len(data))


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def workshop(objects: MemoryObjects, folder: Path, contract: Contract = CONTRACT) -> Workshop:
    scorer = Scorer(contract, FakeSession(contract.outputs))
    return Workshop(objects, lambda _model, _digest: scorer, folder)


def piece_of(objects: MemoryObjects, key: str, *, form: str = "csv", **changes: object) -> Piece:
    """Return a piece for an object that is there."""
    (source,) = objects.list("data", key)
    name = key.rpartition("/")[2]
    given = {
        "job": "job-1",
        "model": "ferry-delay",
        "version": 3,
        "digest": DIGEST,
        "source": source,
        "out_bucket": "data",
        "out_key": f"out/{name}",
        "part_key": f"out/_parts/{name}.json",
        "format": form,
        "keep": (),
        "max_bad_rows": -1,
        "resume": True,
    }
    return Piece(**{**given, **changes})  # type: ignore[arg-type]
