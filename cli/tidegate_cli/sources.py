"""What a version may have been made from, as people name it: a file, a key or a digest."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from tidegate.package import keys
from tidegate.settings import is_model_name
from tidegate_cli import data
from tidegate_cli.faults import InputError

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_BUCKET = re.compile(r"s3://[^/]+/")


@dataclass(frozen=True)
class Source:
    """A file by what it may be recorded as: digests (SHA-256 in hex), or a key of a model."""

    name: str
    digests: tuple[str, ...] = ()
    key: str = ""
    model: str = ""
    hint: str = ""  # for when nothing is found


def source_of(text: str) -> Source:
    """Return what is meant: a digest, a file on disk, or a key `data/MODEL/FILE` of the bucket.

    Raises `InputError` for anything else.
    """
    if _DIGEST.fullmatch(text):
        return Source(text.lower(), (text.lower(),))
    path = Path(text)
    if path.is_file():
        return _file(path)
    key = _BUCKET.sub("", text, count=1)
    parts = key.split("/")
    if len(parts) == 3 and parts[0] == "data" and is_model_name(parts[1]):
        return Source(key, key=keys.data_file(parts[1], parts[2]), model=parts[1])
    kind = "a folder" if path.is_dir() else "no file"
    hint = "name a file, a key like data/flight-delay/2013-01-01.csv.gz, or a SHA-256 in hex"
    raise InputError(f"{text!r} is {kind}", hint=hint)


def _file(path: Path) -> Source:
    """Return a file's digests: of its bytes, and of the bytes that `data push` makes of it."""
    try:
        content = path.read_bytes()
        stored = data.pack(content)
    except (OSError, EOFError) as error:  # a gzip that breaks off is an EOFError
        raise InputError(f"{path}: can't be read: {error}") from error
    digests = tuple(hashlib.sha256(one).hexdigest() for one in (content, stored))
    hint = "; compressed by another zlib it has another SHA-256: name its key instead"
    return Source(str(path), digests, hint=hint)
