"""model.json: which object is the model of a package that is too large to hold it."""

from __future__ import annotations

import re

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import PackageError
from tidegate.frozen import frozen
from tidegate.package.manifest import POINTER

_SHA256 = re.compile(r"[0-9a-f]{64}")


@frozen
class ModelPointer:
    """The SHA-256 (hex) and the bytes of a model that lies apart."""

    sha256: str
    size: int
    format: int = 1


def pointer_to_json(pointer: ModelPointer) -> bytes:
    """Return the bytes of model.json.

    >>> pointer_to_json(ModelPointer("ab" * 32, 7))[:24]
    b'{"format":1,"sha256":"ab'
    """
    return canonical_json(pointer)


def pointer_from_json(data: bytes) -> ModelPointer:
    """Read model.json; raise `PackageError` on other content."""
    try:
        pointer = decode(ModelPointer, parse_json(data))
    except ValueError as error:
        raise PackageError(f"{POINTER}: {error}") from None
    if pointer.format != 1:
        raise PackageError(f"{POINTER}: format 1 is expected, not {pointer.format}")
    if _SHA256.fullmatch(pointer.sha256) is None or pointer.size < 1:
        raise PackageError(f"{POINTER}: a SHA-256 (hex) and the model's bytes are expected")
    if pointer_to_json(pointer) != data:
        raise PackageError(f"{POINTER}: not in canonical form")
    return pointer
