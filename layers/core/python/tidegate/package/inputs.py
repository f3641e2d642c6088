"""What a package says that it was made from: `environment.txt` and `data.json`.

environment.txt  one `name==value` per line: interpreter, platform, fixed variables, distributions
data.json        every data file by content: key, SHA-256, bytes, rows that were read

Neither says which object version or which run: equal content must give an equal package.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import DigestMismatchError, PackageError
from tidegate.package.manifest import DATA, ENVIRONMENT
from tidegate.registry.lineage import Lineage
from tidegate.registry.values import DataObject

MAX_ENVIRONMENT_BYTES = 200_000
MAX_DATA_FILES = 20_000
MAX_DATA_BYTES = 10_000_000
_LINE = re.compile(r"[!-~]+==[ -~]*")  # visible ASCII
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileRead:
    """One data file as it was read: key, SHA-256 (hex), bytes, rows below its header."""

    key: str
    checksum: str
    size: int
    rows: int


@dataclass(frozen=True)
class _DataList:
    files: tuple[FileRead, ...]
    format: int = 1


def environment_to_text(lines: Iterable[str]) -> bytes:
    r"""Return the bytes of environment.txt; their SHA-256 is the environment's digest.

    >>> environment_to_text(["python==3.13.1", "platform==linux-x86_64"])
    b'python==3.13.1\nplatform==linux-x86_64\n'
    """
    return "".join(f"{line}\n" for line in lines).encode()


def environment_digest(lines: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of an environment."""
    return hashlib.sha256(environment_to_text(lines)).hexdigest()


def environment_from_text(data: bytes) -> tuple[str, ...]:
    """Return the lines of environment.txt; raise `PackageError` naming the line at fault."""
    if len(data) > MAX_ENVIRONMENT_BYTES:
        raise PackageError(f"{ENVIRONMENT}: {len(data)} bytes; at most {MAX_ENVIRONMENT_BYTES} fit")
    lines = tuple(data.decode("ascii", "replace").split("\n"))
    if lines[-1] or len(lines) == 1:
        raise PackageError(f"{ENVIRONMENT}: lines are expected, the last one ended too")
    for number, line in enumerate(lines[:-1], start=1):
        if _LINE.fullmatch(line) is None:
            raise PackageError(f"{ENVIRONMENT}, line {number}: name==value is expected")
    return lines[:-1]


def data_to_json(files: Iterable[FileRead]) -> bytes:
    """Return the bytes of data.json: the files in the order of their keys."""
    return canonical_json(_DataList(tuple(sorted(files, key=lambda file: file.key))))


def data_from_json(data: bytes) -> tuple[FileRead, ...]:
    """Return the files of data.json; raise `PackageError` naming the file at fault."""
    if len(data) > MAX_DATA_BYTES:
        raise PackageError(f"{DATA}: {len(data)} bytes; at most {MAX_DATA_BYTES} fit")
    try:
        found = decode(_DataList, parse_json(data))
    except ValueError as error:
        raise PackageError(f"{DATA}: {error}") from None
    if found.format != 1:
        raise PackageError(f"{DATA}: format 1 is expected, not {found.format}")
    if not 0 < len(found.files) <= MAX_DATA_FILES:
        raise PackageError(f"{DATA}: 1 to {MAX_DATA_FILES} files are expected")
    for file in found.files:
        if _SHA256.fullmatch(file.checksum) is None or min(file.size, file.rows) < 0:
            raise PackageError(f"{DATA}: {file.key!r}: SHA-256, bytes and rows are expected")
    keys = [file.key for file in found.files]
    if len(set(keys)) != len(keys) or data_to_json(found.files) != data:
        raise PackageError(f"{DATA}: not in canonical form (order, twins, spaces)")
    return found.files


def digest_of_files(files: Iterable[FileRead | DataObject]) -> str:
    """Return the SHA-256 (hex) over key, checksum and size of every file, in the order of keys."""
    contents = sorted((file.key, file.checksum, file.size) for file in files)
    return hashlib.sha256(canonical_json(contents)).hexdigest()


def read_inputs(
    files: Mapping[str, bytes], lineage: Lineage
) -> tuple[tuple[str, ...], tuple[FileRead, ...]]:
    """Return environment lines and data files; raise when they are not those of the lineage."""
    environment, data = environment_from_text(files[ENVIRONMENT]), data_from_json(files[DATA])
    if environment_digest(environment) != lineage.environment_digest:
        raise DigestMismatchError(
            f"{ENVIRONMENT}: its SHA-256 is not the lineage's environment_digest"
        )
    if digest_of_files(data) != lineage.data_digest:
        raise DigestMismatchError(f"{DATA}: its files are not those of the lineage's data_digest")
    return environment, data
