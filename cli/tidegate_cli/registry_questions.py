"""Questions to the registry, answered by its records: what served when, why, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidegate.catalog import Catalog
from tidegate.errors import NotFoundError
from tidegate.registry.book import Registry
from tidegate.registry.difference import Side
from tidegate.registry.service import Share, shares, turning
from tidegate.registry.story import Records
from tidegate.registry.values import (
    Event,
    Input,
    Reign,
    Release,
    Run,
    Serving,
    Signature,
    Version,
)

ALL = 0  # as a limit: all of them
MAX_PARENTS = 20


@dataclass(frozen=True)
class Made:
    """What a version was made from, counted."""

    files: int
    rows: int
    size: int  # bytes
    data_digest: str
    code_digest: str
    git_commit: str
    git_dirty: bool
    environment_digest: str


@dataclass(frozen=True)
class ServedThen:
    """What a model's traffic did at a moment; `event` is None when nothing is recorded before."""

    model: str
    time: datetime
    event: Event | None = None  # the last one
    cause: Event | None = None  # the one that made the traffic what it was
    shares: tuple[Share, ...] = ()
    reign: Reign | None = None  # of the champion
    version: Version | None = None  # the champion, as it is now
    release: Release | None = None  # that was under way, as it is now
    made: Made | None = None  # what the champion was made from


def served_at(registry: Registry, model: str, moment: datetime) -> ServedThen:
    """Return what served at a moment; raise `NotFoundError` for an unknown model."""
    event = registry.at(model, moment)
    if event is None:
        return ServedThen(model, moment)
    serving = event.serving
    reign = _reign(registry, event)
    start = reign.sequence - 1 if reign else 0
    log = registry.events(model, after=start, until=event.sequence)
    version = registry.version(model, serving.champion) if serving.champion else None
    return ServedThen(
        model=model,
        time=moment,
        event=event,
        cause=turning(log),
        shares=shares(serving),
        reign=reign,
        version=version,
        release=registry.release(model, serving.open_release) if serving.open_release else None,
        made=made(version, registry.inputs(model, version.number)) if version else None,
    )


def _reign(registry: Registry, event: Event) -> Reign | None:
    if not event.serving.champion:
        return None
    reigns = registry.history(event.model, ALL)
    return next((one for one in reigns if one.sequence <= event.sequence), None)


def made(version: Version, inputs: tuple[Input, ...]) -> Made:
    """Count what a version was made from."""
    files, lineage = [one for one in inputs if one.kind == "data"], version.lineage
    return Made(
        files=len(files),
        rows=sum(one.rows for one in files),
        size=sum(one.size for one in files),
        data_digest=lineage.data_digest,
        code_digest=lineage.code_digest,
        git_commit=lineage.git_commit,
        git_dirty=lineage.git_dirty,
        environment_digest=lineage.environment_digest,
    )


def records(registry: Registry, model: str, number: int) -> Records:
    """Return everything that the registry holds of a version."""
    version = registry.version(model, number)
    return Records(
        version=version,
        run=_run(registry, version),
        inputs=registry.inputs(model, number),
        signature=_signature(registry, version),
        releases=registry.releases(model, ALL),
        reigns=registry.history(model, ALL),
        events=registry.events(model),
        serving=registry.meta(model).serving,
    )


def _run(registry: Registry, version: Version) -> Run | None:
    try:
        return registry.run(version.model, version.run)
    except NotFoundError:  # it ran in another environment
        return None


def _signature(registry: Registry, version: Version) -> Signature | None:
    try:
        return registry.signature(version.model, version.number)
    except NotFoundError:  # pending or failed
        return None


def side(catalog: Catalog, model: str, number: int) -> Side:
    """Return one side of a comparison; without environment and contract when its package is gone.

    Raises `DigestMismatchError` when the package is not the one that was registered.
    """
    version = catalog.registry.version(model, number)
    inputs = catalog.registry.inputs(model, number)
    try:
        package = catalog.package(model, version.package_digest)
    except NotFoundError:
        return Side(version, inputs)
    return Side(version, inputs, package.environment or None, package.contract)


def parents(registry: Registry, version: Version) -> tuple[Version, ...]:
    """Return the champion at the time of training, the one at the time of its training, ..."""
    found: list[Version] = []
    while version.lineage.parent and len(found) < MAX_PARENTS:
        version = registry.version(version.model, version.lineage.parent)
        found.append(version)
    return tuple(found)


@dataclass(frozen=True)
class Use:
    """A version that was trained on a file, and what became of it."""

    inputs: tuple[Input, ...]  # those that are the file
    version: Version
    shares: tuple[Share, ...]  # of the traffic now
    reigns: tuple[Reign, ...]  # newest first


def uses_of(registry: Registry, digests: tuple[str, ...]) -> tuple[Use, ...]:
    """Return the versions that have an input with one of these SHA-256; found by an index."""
    found = (one for digest in dict.fromkeys(digests) for one in registry.made_from(digest))
    return _uses(registry, tuple(found))


def uses_of_key(registry: Registry, model: str, key: str) -> tuple[Use, ...]:
    """Return a model's versions that read this key, whatever it held; one query per version."""
    every = (registry.inputs(model, one.number) for one in registry.versions(model, ALL))
    return _uses(registry, tuple(one for inputs in every for one in inputs if one.key == key))


def _uses(registry: Registry, inputs: tuple[Input, ...]) -> tuple[Use, ...]:
    models = sorted({one.model for one in inputs})
    found: list[Use] = []
    for model in models:
        serving, reigns = registry.meta(model).serving, registry.history(model, ALL)
        for number in sorted({one.version for one in inputs if one.model == model}, reverse=True):
            same = tuple(one for one in inputs if (one.model, one.version) == (model, number))
            found.append(_use(registry.version(model, number), same, serving, reigns))
    return tuple(found)


def _use(
    version: Version, inputs: tuple[Input, ...], serving: Serving, reigns: tuple[Reign, ...]
) -> Use:
    return Use(
        inputs=inputs,
        version=version,
        shares=tuple(one for one in shares(serving) if one.version == version.number),
        reigns=tuple(one for one in reigns if one.version == version.number),
    )
