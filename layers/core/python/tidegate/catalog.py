"""What is deployed of a model: its project as pushed, and its packages, read and verified."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.errors import NotFoundError
from tidegate.package import keys
from tidegate.package.archive import Package, open_package
from tidegate.package.artifacts import Artifacts
from tidegate.package.whole import check_stored, whole
from tidegate.project import Project
from tidegate.registry.book import Registry


@dataclass(frozen=True)
class Catalog:
    """Projects and packages of one environment."""

    registry: Registry
    artifacts: Artifacts

    def code_digest(self, model: str) -> str:
        """Return the digest of the code last pushed; raise `NotFoundError` before any push."""
        pointer = self.registry.pointer(model, "code")
        if pointer is None:
            raise NotFoundError(
                f"no code of model {model!r} was pushed; run: tidegate train {model}"
            )
        return pointer.target

    def project(self, model: str) -> Project:
        """Return the project as last pushed."""
        key = keys.project_file(model, self.code_digest(model))
        return Project.from_json(self.artifacts.get(key))

    def package(self, model: str, digest: str) -> Package:
        """Return a package whose bytes have this digest; raise `DigestMismatchError` otherwise.

        A model that lies apart is not read: `whole_package` is for who runs it.
        """
        return open_package(self.artifacts.get(keys.package_file(model, digest)), digest=digest)

    def whole_package(self, model: str, digest: str) -> Package:
        """Return a package with its model, verified, also when that lies apart."""
        return whole(self.package(model, digest), self.artifacts)

    def check_model(self, package: Package) -> None:
        """Raise `DigestMismatchError` unless a model that lies apart is stored as it should be."""
        check_stored(package, self.artifacts)

    def package_uri(self, model: str, digest: str) -> str:
        """Return the `s3://` address of a package."""
        return self.artifacts.uri(keys.package_file(model, digest))
