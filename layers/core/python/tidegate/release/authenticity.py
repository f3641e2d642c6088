"""Authenticity: a package is published only when bytes, row and signature say the same.

row -> statement -> signature by this environment's key -> bytes of that digest -> contract and data
-> the model, when it lies apart, by what the bucket computed when it was stored

The signature comes first: a row that was altered, moved or replayed is refused before the digest in
it is believed.
"""

from __future__ import annotations

from tidegate.errors import DigestMismatchError, NotFoundError, SignatureError
from tidegate.package.archive import Package
from tidegate.registry.reading import Reading
from tidegate.registry.signing import Signed, Verifier, statement_of
from tidegate.registry.values import Version
from tidegate.release.ports import Shelf


def check(version: Version, *, registry: Reading, shelf: Shelf, verifier: Verifier) -> None:
    """Raise unless this environment's key signed this version and its package is what it signed.

    Raises `SignatureError` when the version is unsigned or its signature is of something else,
    `DigestMismatchError` when the stored package is not the one that was signed, `PackageError`
    when it is none.
    """
    _check_signature(version, registry, verifier)
    try:
        package = shelf.package(version.model, version.package_digest)
    except NotFoundError as error:
        raise DigestMismatchError(f"{_named(version)}: its package is gone: {error}") from error
    _check_contents(version, package)
    try:
        shelf.check_model(package)
    except DigestMismatchError as error:
        raise DigestMismatchError(f"{_named(version)}: {error}") from error


def _check_signature(version: Version, registry: Reading, verifier: Verifier) -> None:
    try:
        stored = registry.signature(version.model, version.number)
    except NotFoundError:
        raise SignatureError(
            f"{_named(version)} is not signed; train it again, or promote it from where it is"
        ) from None
    signed = Signed(stored.key, stored.algorithm, stored.value)
    try:
        verifier.verify(statement_of(version).to_bytes(), signed)
    except SignatureError as error:
        raise SignatureError(f"{_named(version)}: {error}") from error


def _check_contents(version: Version, package: Package) -> None:
    """Compare what the package says of itself with what was signed."""
    said = {
        "model": (package.manifest.model, version.model),
        "contract digest": (package.contract.digest, version.contract_digest),
        "data digest": (package.manifest.lineage.data_digest, version.lineage.data_digest),
    }
    for what, (found, wanted) in said.items():
        if found != wanted:
            raise DigestMismatchError(
                f"{_named(version)}: the package's {what} is {found!r}, but {wanted!r} was signed"
            )


def _named(version: Version) -> str:
    return f"version {version.number} of {version.model!r}"
