"""What the report tells of one version, gathered from the registry and its package."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.catalog import Catalog
from tidegate.errors import NotFoundError
from tidegate.registry.book import Registry
from tidegate.registry.service import Term, terms
from tidegate.registry.values import Event, Input, Release, Signature, Version

MAX_HISTORY = 1000  # of the latest releases and reigns


@dataclass(frozen=True)
class VersionFacts:
    """One version: what it is, what it was made from, and what became of it (newest first)."""

    version: Version
    signature: Signature | None
    inputs: tuple[Input, ...]
    releases: tuple[Release, ...]
    terms: tuple[Term, ...]
    events: tuple[Event, ...]
    card: str  # Markdown of its package; empty when the package is gone


def gather(catalog: Catalog, model: str, number: int) -> VersionFacts:
    """Return the facts of a version; raise `NotFoundError` when there is no such version.

    The package is verified by its digest: one that was changed raises `DigestMismatchError`.
    """
    registry = catalog.registry
    version = registry.version(model, number)
    releases = tuple(r for r in registry.releases(model, MAX_HISTORY) if r.version == number)
    return VersionFacts(
        version=version,
        signature=_signature(registry, version),
        inputs=registry.inputs(model, number),
        releases=releases,
        terms=_terms(registry, version),
        events=_events(registry, version, releases),
        card=_card(catalog, version),
    )


def _signature(registry: Registry, version: Version) -> Signature | None:
    try:
        return registry.signature(version.model, version.number)
    except NotFoundError:  # pending or failed
        return None


def _card(catalog: Catalog, version: Version) -> str:
    try:
        return catalog.package(version.model, version.package_digest).card
    except NotFoundError:  # swept, or never stored
        return ""


def _terms(registry: Registry, version: Version) -> tuple[Term, ...]:
    reigns = registry.history(version.model, MAX_HISTORY)
    return tuple(term for term in terms(reigns) if term.reign.version == version.number)


def _events(
    registry: Registry, version: Version, releases: tuple[Release, ...]
) -> tuple[Event, ...]:
    subjects = {f"version:{version.number}", f"run:{version.run}"}
    subjects |= {f"release:{release.id}" for release in releases}
    events = registry.events(version.model)
    return tuple(event for event in reversed(events) if event.subject in subjects)
