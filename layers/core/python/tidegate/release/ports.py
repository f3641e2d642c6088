"""What a release needs of the outside: the endpoint's traffic, projects and packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tidegate.package.archive import Package
from tidegate.project import Project


@dataclass(frozen=True)
class Routing:
    """Where the `live` alias sends calls; `revision` changes with every move of the alias."""

    function_version: str
    canary: str = ""  # function version that gets `weight` percent
    weight: int = 0
    revision: str = ""


class Traffic(Protocol):
    """The endpoint's function and its `live` alias."""

    def publish(self, package_uri: str, *, env: Mapping[str, str]) -> str:
        """Make a package the function's code and publish it; return the function version.

        `env` is merged into the function's variables. Raises `PublishPendingError` while an update
        is under way, `TrafficConflictError` when somebody else updates it at the same time.
        """
        ...

    def is_ready(self, function_version: str) -> bool:
        """Tell whether a version can be called; raise `TrafficError` when it never will."""
        ...

    def code_sha256(self, function_version: str) -> str:
        """Return what the cloud says the version's code is: base64 of its SHA-256."""
        ...

    def invoke(self, function_version: str, payload: bytes) -> bytes:
        """Call one function version directly; raise `TrafficError` when the function fails."""
        ...

    def routing(self) -> Routing:
        """Return where the alias points now."""
        ...

    def route(
        self, function_version: str, *, revision: str, canary: str = "", weight: int = 0
    ) -> None:
        """Move the alias if it still has the `revision`; raise `TrafficConflictError` otherwise."""
        ...


class Shelf(Protocol):
    """Projects as last pushed and packages by digest, verified."""

    def project(self, model: str) -> Project:
        """Return the project; raise `NotFoundError` before any push."""
        ...

    def package(self, model: str, digest: str) -> Package:
        """Return a package; raise `DigestMismatchError` when its bytes are others."""
        ...

    def check_model(self, package: Package) -> None:
        """Raise `DigestMismatchError` unless a model that lies apart is stored as it should be."""
        ...

    def package_uri(self, model: str, digest: str) -> str:
        """Return where a package lies."""
        ...
