"""A model's code as it was pushed: a zip whose files have the digest that versions name.

The digest is part of a package's manifest, so who trusts a package can check its code by it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from tidegate.errors import DigestMismatchError, PackageError
from tidegate.project import Project
from tidegate.project_file import read_project

MAX_CODE_BYTES = 20_000_000
MAX_CODE_FILES = 2000
_UNREADABLE = (  # RuntimeError: a member wants a password
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def code_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest of a folder: SHA-256 over the digests and paths of its files.

    >>> code_digest({"a": b""}) == code_digest({"b": b""})
    False
    """
    listing = (f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    return hashlib.sha256("".join(listing).encode()).hexdigest()


def read_code(archive: bytes, *, digest: str) -> dict[str, bytes]:
    """Return a pushed folder's files by path; raise `DigestMismatchError` when they are others.

    Raises `PackageError` for what is no zip, a path that leads out of the folder, and more than
    `MAX_CODE_BYTES` or `MAX_CODE_FILES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            members = opened.infolist()
            if len(members) > MAX_CODE_FILES:
                raise PackageError(f"code.zip: more than {MAX_CODE_FILES:,} files")
            if sum(member.file_size for member in members) > MAX_CODE_BYTES:
                raise PackageError(f"code.zip: more than {MAX_CODE_BYTES:,} bytes of code")
            if any(member.compress_type not in PACKED for member in members):
                raise PackageError("code.zip: files are stored or deflated")
            files = {member.filename: opened.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise PackageError(f"code.zip can't be read: {error}") from None
    if (found := code_digest(files)) != digest:
        raise DigestMismatchError(f"code.zip holds other code than its digest {digest}: {found}")
    for path in files:
        parts = PurePosixPath(path).parts
        if not parts or parts[0] == "/" or ".." in parts or "\\" in path:
            raise PackageError(f"code.zip: {path!r} leads out of the folder")
    return files


def declared_in(files: Mapping[str, bytes], *, model: str) -> Project:
    """Return what a pushed folder declares; raise `ProjectError` where it is wrong."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / model
        for path, data in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return read_project(folder)
