"""Release: begin -> publish -> verify -> (shift -> judge)* -> finish | roll back.

Every step may be repeated: it looks at what is recorded, does what is missing and records it.
Before it touches the alias it reads the alias's revision, *then* checks that the release still
holds the lock: a holder that loses its lock after that moves an alias whose revision the new holder
has changed, and fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidegate.clock import stamp
from tidegate.errors import (
    DigestMismatchError,
    NotFoundError,
    PublishPendingError,
    TrafficConflictError,
)
from tidegate.package.archive import code_sha256
from tidegate.project import ReleasePolicy
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.rules import check_releasable
from tidegate.registry.signing import Verifier
from tidegate.registry.values import Release
from tidegate.release import authenticity, golden
from tidegate.release.ports import Routing, Shelf, Traffic
from tidegate.release.progress import Progress
from tidegate.settings import env_name

GRACE = timedelta(minutes=5)  # what a lease allows on top of a bake for everything but waiting
LEAST_GRACE = timedelta(seconds=30)  # however short an hour is
_TRIES = 5  # to move an alias that others are moving


@dataclass(frozen=True)
class House:
    """What the steps work with; `time_scale` is the length of an hour (see `Settings`)."""

    registry: Registry
    traffic: Traffic
    shelf: Shelf
    verifier: Verifier
    time_scale: float = 1.0


def begin(progress: Progress, house: House, now: datetime) -> Progress:
    """Take the lock and look up policy and way back; put an alias that was moved by hand right."""
    policy = house.shelf.project(progress.model).release
    routing = house.traffic.routing()
    asked = Release(
        model=progress.model,
        id=progress.release,
        version=progress.version,
        state="running",
        started=now,
        actor=progress.actor or "release",
        reason=progress.reason,
        previous_function_version=routing.function_version,
    )
    release = house.registry.begin_release(asked, lease=_lease(policy, house), at=now)
    _repair(release, routing, house, now)
    first = release.previous_version == 0
    return replace(
        progress,
        previous_function_version=release.previous_function_version,
        function_version=release.function_version,
        steps=(100,) if first else policy.steps,
        bake_seconds=max(1, round(policy.bake_minutes * 60)),
    )


def publish(progress: Progress, house: House, now: datetime) -> Progress:
    """Publish the version's package as a function version, and see that it is that package.

    Raises `PackageError` before anything is published when signature or bytes are not right.
    """
    release = _held(progress, house)
    version = house.registry.version(progress.model, progress.version)
    digest = version.package_digest
    if not release.function_version:
        authenticity.check(
            version, registry=house.registry, shelf=house.shelf, verifier=house.verifier
        )
        env = {env_name("version"): str(progress.version), env_name("release"): progress.release}
        uri = house.shelf.package_uri(progress.model, digest)
        published = house.traffic.publish(uri, env=env)
        release = house.registry.advance_release(
            replace(release, function_version=published), kind="ReleasePublished", at=now
        )
    if not house.traffic.is_ready(release.function_version):
        raise PublishPendingError(
            f"function version {release.function_version} of {progress.model!r} is not active yet"
        )
    found, wanted = house.traffic.code_sha256(release.function_version), code_sha256(digest)
    if found != wanted:
        raise DigestMismatchError(
            f"function version {release.function_version} of {progress.model!r} runs code with"
            f" SHA-256 {found}, but version {progress.version} is {wanted}"
        )
    return replace(progress, function_version=release.function_version)


def verify(progress: Progress, house: House, now: datetime) -> Progress:
    """Send the golden requests to the function version, before any user does."""
    release = _held(progress, house)
    digest = house.registry.version(progress.model, progress.version).package_digest
    package = house.shelf.package(progress.model, digest)
    golden.check(house.traffic, release, package, at=now)
    return progress


def shift(progress: Progress, house: House, now: datetime) -> Progress:
    """Send the present step's percentage of calls to the new version."""
    release = _move(
        progress,
        house,
        lambda begun: Routing(
            begun.previous_function_version, begun.function_version, progress.target
        ),
    )
    release = house.registry.advance_release(
        replace(release, weight=progress.target), kind="WeightShifted", at=now
    )
    return replace(progress, weight=release.weight, holds=0, answer="", since=stamp(now))


def finish(progress: Progress, house: House, now: datetime) -> Progress:
    """Send every call to the new version and make it champion."""
    stored = house.registry.release(progress.model, progress.release)
    if stored.state != "promoted":
        release = _move(progress, house, lambda begun: Routing(begun.function_version))
        outcome = _promotion_reason(release)
        ended = replace(release, state="promoted", weight=100, outcome=outcome)
        stored = house.registry.finish_release(ended, at=now)
    return replace(progress, weight=100, reason=stored.outcome)


def roll_back(progress: Progress, house: House, now: datetime) -> Progress:
    """Send every call to what served before, from whatever point, and free the lock.

    The judge's answer `rollback` ends the release as rolled back, anything else as failed. One that
    has ended, or that lost its lock and with it its say over the alias, is left as it is.
    """
    reason = progress.reason or "no reason was given"
    try:
        stored = house.registry.release(progress.model, progress.release)
    except NotFoundError:
        _record_refusal(progress, house, now, reason)
        return replace(progress, weight=0, reason=reason)
    if stored.state != "running":
        return replace(progress, weight=stored.weight, reason=stored.outcome)
    release = _move(
        progress, house, lambda begun: Routing(begun.previous_function_version), held=_held
    )
    judged = progress.answer == "rollback"
    ended = replace(release, state="rolled_back" if judged else "failed", weight=0, outcome=reason)
    house.registry.finish_release(ended, at=now, quarantine=judged and _found_wrong(release))
    return replace(progress, weight=0, reason=reason)


def _lease(policy: ReleasePolicy, house: House) -> timedelta:
    bake = timedelta(minutes=policy.bake_minutes) * house.time_scale
    return bake + max(GRACE * house.time_scale, LEAST_GRACE)


def _repair(release: Release, routing: Routing, house: House, now: datetime) -> None:
    """Write the alias as the registry wants it; its new revision stops a former lock holder."""
    wanted = release.previous_function_version
    house.traffic.route(wanted, revision=routing.revision)
    if (routing.function_version, routing.canary) == (wanted, ""):
        return
    found = f"{routing.function_version}, {routing.weight} % on {routing.canary or 'none'}"
    act = Act(now, release.actor, f"the alias pointed to {found}; put back to {wanted}")
    house.registry.note(
        release.model, kind="AliasRepaired", act=act, subject=f"release:{release.id}"
    )


def _held(progress: Progress, house: House) -> Release:
    release = house.registry.release(progress.model, progress.release)
    return house.registry.check_fence(release)


def _serving(progress: Progress, house: House) -> Release:
    """Return the release, fenced; raise `ReleaseRefusedError` unless its version may serve more."""
    release = _held(progress, house)
    check_releasable(house.registry.version(progress.model, progress.version))
    return release


def _move(
    progress: Progress,
    house: House,
    to: Callable[[Release], Routing],
    *,
    held: Callable[[Progress, House], Release] = _serving,
) -> Release:
    """Move the alias, fenced: revision first, lock second, alias last; again when it moved."""
    for attempt in range(_TRIES):
        seen = house.traffic.routing()
        release = held(progress, house)
        wanted = to(release)
        if replace(wanted, revision=seen.revision) == seen:
            return release
        try:
            house.traffic.route(
                wanted.function_version,
                revision=seen.revision,
                canary=wanted.canary,
                weight=wanted.weight,
            )
        except TrafficConflictError:
            if attempt + 1 == _TRIES:
                raise
            continue
        return release
    raise AssertionError("unreachable")


def _promotion_reason(release: Release) -> str:
    if not release.verdicts:
        return "first release: golden requests passed"
    last = release.verdicts[-1]
    return f"advanced at {last.step} %: {'; '.join(last.reasons)}"


def _found_wrong(release: Release) -> bool:
    """Tell whether the last verdict was about the model, not about a lack of evidence."""
    return bool(release.verdicts) and not release.verdicts[-1].evidence.get("without_evidence")


def _record_refusal(progress: Progress, house: House, now: datetime, reason: str) -> None:
    refused = Release(
        model=progress.model,
        id=progress.release,
        version=progress.version,
        state="failed",
        started=now,
        actor=progress.actor or "release",
        reason=progress.reason,
        outcome=reason,
    )
    house.registry.finish_release(refused, at=now)
