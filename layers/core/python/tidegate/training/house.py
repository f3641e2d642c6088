"""What training's steps in the control plane work on."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.catalog import Catalog
from tidegate.package.artifacts import Artifacts
from tidegate.registry.book import Registry
from tidegate.settings import Settings


@dataclass(frozen=True)
class House:
    """One environment's registry, bucket and names."""

    catalog: Catalog
    settings: Settings

    @property
    def registry(self) -> Registry:
        """The registry."""
        return self.catalog.registry

    @property
    def artifacts(self) -> Artifacts:
        """The artifacts bucket."""
        return self.catalog.artifacts
