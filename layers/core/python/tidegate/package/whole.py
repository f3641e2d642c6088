"""A package and its model, wherever the model lies.

Most packages hold their model. One whose model lies apart is opened without it: what only asks for
contract, reference or golden requests never reads hundreds of megabytes. Who runs the model asks
for the whole package, and gets the model verified by size and digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tidegate.errors import DigestMismatchError, NotFoundError, PackageError
from tidegate.package import keys
from tidegate.package.archive import Package
from tidegate.package.artifacts import Artifacts
from tidegate.package.manifest import MODEL
from tidegate.package.pointer import ModelPointer
from tidegate.registry.values import DataObject


def model_key(package: Package, pointer: ModelPointer) -> str:
    """Return the key of a model that lies apart; its package must have been opened by digest."""
    return keys.model_file(package.manifest.model, package.digest, pointer.sha256)


def whole(package: Package, artifacts: Artifacts) -> Package:
    """Return a package with its model, fetched and verified if it lies apart.

    Raises `DigestMismatchError` when the stored bytes are others or gone.
    """
    if package.pointer is None:
        return package
    try:
        model = artifacts.get(model_key(package, package.pointer))
    except NotFoundError as error:
        raise DigestMismatchError(
            f"{MODEL} lies apart from its package and is gone: {error}"
        ) from None
    return joined(package, model)


def joined(package: Package, model: bytes) -> Package:
    """Return a package with the model that its pointer names; raise unless these are its bytes."""
    pointer = package.pointer
    if pointer is None:
        raise PackageError(f"the package holds its {MODEL}; none is expected beside it")
    found = DataObject(MODEL, "", hashlib.sha256(model).hexdigest(), len(model))
    _check(found, pointer)
    return replace(package, model=model)


def check_stored(package: Package, artifacts: Artifacts) -> None:
    """Raise `DigestMismatchError` unless a model that lies apart is stored as its package says.

    Reads no bytes: the bucket keeps the SHA-256 that it computed when the object was written.
    """
    if package.pointer is None:
        return
    key = model_key(package, package.pointer)
    try:
        found = artifacts.describe(key)
    except NotFoundError as error:
        raise DigestMismatchError(
            f"{MODEL} lies apart from its package and is gone: {error}"
        ) from None
    _check(found, package.pointer)


def _check(found: DataObject, wanted: ModelPointer) -> None:
    if found.size != wanted.size:
        raise DigestMismatchError(
            f"{found.key}: {found.size} bytes, but its package says {wanted.size}"
        )
    if found.checksum != wanted.sha256:
        raise DigestMismatchError(
            f"{found.key}: its SHA-256 is {found.checksum}, but its package says {wanted.sha256}"
        )
