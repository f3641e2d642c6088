"""What a version was made from, as rows that are found by digest, in chunks that fit a commit."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.registry.rows import key_of
from tidegate.registry.values import DataFile, Input, InputKind, Version

CHUNK = 80  # a transaction holds 100 items


def chunks(files: int) -> int:
    """Return how many commits a version with so many data files takes.

    >>> chunks(0), chunks(77), chunks(78)
    (1, 1, 2)
    """
    return -(-(3 + files) // CHUNK)


def chunk(version: Version, files: Sequence[DataFile], index: int) -> tuple[Input, ...]:
    """Return one chunk: first what the lineage names by digest, then the data files by key."""
    return (*_digests(version), *_data(version, files))[index * CHUNK : (index + 1) * CHUNK]


def last_key(version: Version) -> str:
    """Return the key of the data file that is written last."""
    return key_of(Input(version.model, version.number, "data", version.files - 1, ""))


def _digests(version: Version) -> tuple[Input, ...]:
    lineage = version.lineage
    named: tuple[tuple[InputKind, str], ...] = (
        ("dataset", lineage.data_digest),
        ("code", lineage.code_digest),
        ("environment", lineage.environment_digest),
    )
    return tuple(Input(version.model, version.number, kind, 0, digest) for kind, digest in named)


def _data(version: Version, files: Sequence[DataFile]) -> tuple[Input, ...]:
    ordered = sorted(files, key=lambda file: (file.key, file.version_id))
    return tuple(
        Input(
            model=version.model,
            version=version.number,
            kind="data",
            index=index,
            digest=file.checksum,
            key=file.key,
            version_id=file.version_id,
            size=file.size,
            rows=file.rows,
        )
        for index, file in enumerate(ordered)
    )
