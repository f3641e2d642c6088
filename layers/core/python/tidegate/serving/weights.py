"""The model of a large package: streamed to /tmp, hashed on the way, and kept there.

kept whole -> hash it | kept in part -> go on from there | nothing -> begin; then hash, then rename

Lambda ends a start after 10 s and starts again, in the same environment with the same /tmp, during
the first request: what was streamed until then isn't streamed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tidegate.errors import DigestMismatchError, ModelUnavailableError, PackageError
from tidegate.package.pointer import ModelPointer

if TYPE_CHECKING:
    from hashlib import _Hash

PIECE = 1024 * 1024


class ModelSource(Protocol):
    """Where models lie that are too large for their package."""

    def stream(self, key: str, *, start: int) -> Iterator[bytes]:
        """Yield an object's bytes from `start` on; raise `ModelUnavailableError` naming the key."""
        ...


def fetch_model(key: str, pointer: ModelPointer, *, folder: Path, source: ModelSource) -> Path:
    """Return the file of a model in `folder`, whose size and SHA-256 are those of the pointer.

    Raises `PackageError` when it doesn't fit into the folder, `DigestMismatchError` when the stored
    bytes are others, `ModelUnavailableError` when they can't be read now; asked again, it goes on.
    """
    path = folder / f"{pointer.sha256}.onnx"
    if path.is_file():
        if _file_digest(path) == pointer.sha256:
            return path
        path.unlink()
    part = path.with_suffix(".part")
    resumed = part.is_file()
    if _stream(key, pointer, part, source) != pointer.sha256:
        part.unlink()
        if resumed:  # the beginning was kept by an earlier start and may be what is wrong
            return fetch_model(key, pointer, folder=folder, source=source)
        raise DigestMismatchError(f"{key}: its bytes are not those that its package names")
    part.rename(path)
    return path


def _stream(key: str, pointer: ModelPointer, part: Path, source: ModelSource) -> str:
    """Bring a partial file to its full size; return the SHA-256 of what it holds."""
    digest = hashlib.sha256()
    done = _hash_file(part, digest) if part.is_file() else 0
    _check_room(key, pointer.size - done, part.parent)
    with part.open("ab") as sink:
        for piece in source.stream(key, start=done) if done < pointer.size else ():
            done += len(piece)
            if done > pointer.size:
                break
            sink.write(piece)
            digest.update(piece)
    if done < pointer.size:
        raise ModelUnavailableError(f"{key}: it ended after {done:,} of {pointer.size:,} bytes")
    return digest.hexdigest() if done == pointer.size else ""


def _check_room(key: str, size: int, folder: Path) -> None:
    import shutil  # 5 ms of a cold start, for those whose model lies apart

    free = shutil.disk_usage(folder).free
    if size > free:
        raise PackageError(f"{key}: {size:,} bytes don't fit into {folder}: {free:,} are free")


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    _hash_file(path, digest)
    return digest.hexdigest()


def _hash_file(path: Path, digest: _Hash) -> int:
    """Add a file's bytes to a digest; return how many they are."""
    size = 0
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return size
