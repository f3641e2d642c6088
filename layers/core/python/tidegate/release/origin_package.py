"""Taking a version where it lies: everything that belongs to it, checked by what was signed.

signature by the origin's key -> package -> operators and contract -> code, data files, evaluation
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tidegate.catalog import Catalog
from tidegate.errors import DigestMismatchError
from tidegate.package import keys
from tidegate.package.archive import Package, open_package
from tidegate.package.artifacts import Artifacts
from tidegate.package.code_archive import declared_in, read_code
from tidegate.package.inputs import FileRead
from tidegate.package.intake import inspect_model
from tidegate.package.whole import whole
from tidegate.project import Project
from tidegate.registry.book import Registry
from tidegate.registry.signing import Verifier
from tidegate.registry.values import DataFile, Signature, Version
from tidegate.release import authenticity


@dataclass(frozen=True)
class Taken:
    """What belongs to a version, as bytes to be stored elsewhere."""

    signature: Signature
    package: bytes
    content: Package  # the same, read, with its model
    code: bytes
    project: Project
    files: tuple[DataFile, ...]
    report: bytes  # empty: it has none
    history: bytes  # that it brought along when it was promoted itself


@dataclass(frozen=True)
class _Once(Catalog):
    """A catalog that keeps the bytes that it read: what was checked is what is stored."""

    read: dict[str, tuple[bytes, Package]] = field(default_factory=dict)

    def package(self, model: str, digest: str) -> Package:
        data = self.artifacts.get(keys.package_file(model, digest))
        self.read[digest] = data, open_package(data, digest=digest)
        return self.read[digest][1]


def take(version: Version, registry: Registry, artifacts: Artifacts, verifier: Verifier) -> Taken:
    """Read a version and all that belongs to it.

    Raises `SignatureError` when the key of `verifier` did not sign it, `DigestMismatchError` when
    something is not what was signed, `IntakeError` for a model that is not allowed (any more),
    `NotFoundError` naming what is gone.
    """
    shelf = _Once(registry, artifacts)
    authenticity.check(version, registry=registry, shelf=shelf, verifier=verifier)
    data, package = shelf.read[version.package_digest]
    package = whole(package, artifacts)
    inspect_model(package.model, package.contract)
    code, project = _code(version, package, artifacts)
    return Taken(
        signature=registry.signature(version.model, version.number),
        package=data,
        content=package,
        code=code,
        project=project,
        files=_files(version, package, registry),
        report=_stored(artifacts, version.report, version.report_digest),
        history=_history(version, artifacts),
    )


def _code(version: Version, package: Package, artifacts: Artifacts) -> tuple[bytes, Project]:
    """Return the archive, and what the code in it declares: the digest covers no project.json."""
    digest = package.manifest.lineage.code_digest
    if version.lineage.code_digest != digest:
        raise DigestMismatchError(
            f"version {version.number} of {version.model!r} names code"
            f" {version.lineage.code_digest}, its package was made by {digest}"
        )
    archive = artifacts.get(keys.code_archive(version.model, digest))
    project = declared_in(read_code(archive, digest=digest), model=version.model)
    if project.contract.digest != version.contract_digest:
        raise DigestMismatchError(
            f"model.toml of code {digest} declares another contract than version"
            f" {version.number} of {version.model!r} was made for"
        )
    return archive, project


def _files(version: Version, package: Package, registry: Registry) -> tuple[DataFile, ...]:
    rows = [row for row in registry.inputs(version.model, version.number) if row.kind == "data"]
    found = {FileRead(row.key, row.digest, row.size, row.rows) for row in rows}
    if found != set(package.data) or len(rows) != version.files:
        raise DigestMismatchError(
            f"version {version.number} of {version.model!r}: the data files in the registry are"
            " not those of the package's data.json"
        )
    return tuple(DataFile(row.key, row.version_id, row.digest, row.size, row.rows) for row in rows)


def _history(version: Version, artifacts: Artifacts) -> bytes:
    origin = version.origin
    return _stored(artifacts, origin.history, origin.history_digest) if origin else b""


def _stored(artifacts: Artifacts, key: str, digest: str) -> bytes:
    if not key:
        return b""
    data = artifacts.get(key)
    if (found := hashlib.sha256(data).hexdigest()) != digest:
        raise DigestMismatchError(f"{artifacts.uri(key)}: its SHA-256 is {found}, not {digest}")
    return data
