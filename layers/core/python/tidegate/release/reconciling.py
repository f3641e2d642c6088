"""Reconcile: end a release that died -> put the alias where the registry says that it belongs.

A release dies when its workflow does, at any step: before it publishes, after it has published,
after it moved the alias and before it recorded that, at any weight, after the last shift and before
the champion moved. From every one of these points two steps, each of which may be repeated, lead
back:

1. The release is ended as failed and its lock taken away, in one commit, once its lease has ended
   *and* its workflow no longer runs. From then on every command of it is fenced.
2. With no release under way, the alias is compared with the registry: all traffic on the champion's
   function version, or before any champion on what the first release found. What differs is put
   right, and told as `AliasRepaired`. So is an alias that somebody moved by hand.

The alias's revision is read before the registry. A release that begins in between rewrites the
alias, which changes its revision, so a repair decided on older facts fails and is decided anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidegate.errors import LockHeldError, NotFoundError, TrafficConflictError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.executions import Executions
from tidegate.registry.rules import LARGEST_NUMBER
from tidegate.release.ports import Routing, Traffic

ACTOR = "sweep"
REPAIRED = "AliasRepaired"
_TRIES = 5  # to move an alias that others are moving


@dataclass(frozen=True)
class Ground:
    """What is compared: the registry's intent, the workflows that carry it out, the traffic."""

    registry: Registry
    executions: Executions
    traffic: Traffic


@dataclass(frozen=True)
class Reconciled:
    """What had to be done; empty texts when all was well."""

    ended: str = ""  # id of the release that had died
    repaired: str = ""  # what the alias pointed to, and what it points to now

    def to_metrics(self) -> dict[str, int]:
        """Return what is counted."""
        ended, repaired = int(bool(self.ended)), int(bool(self.repaired))
        return {"ReleasesEnded": ended, "AliasesRepaired": repaired}


def reconcile(model: str, ground: Ground, now: datetime) -> Reconciled:
    """Bring registry and alias of one model together; raise `TrafficConflictError` on a busy one.

    A model whose endpoint is not deployed has no alias to repair.
    """
    ended = end_dead_release(model, ground, now)
    return Reconciled(ended, repair_alias(model, ground, now))


def end_dead_release(model: str, ground: Ground, now: datetime) -> str:
    """End the release that holds the lock if it is dead; return its id, or nothing."""
    lock = ground.registry.lock(model)
    if lock is None or not lock.holder or lock.expires > now:
        return ""
    execution = ground.executions.release(lock.holder)
    if execution.is_alive:
        return ""  # e.g. a judge that is slow: it renews its lease, or the workflow rolls back
    reason = f"its lease ended and {execution.ending}"
    before = ground.registry.release(model, lock.holder)
    try:
        after = ground.registry.abandon_release(
            model, release=lock.holder, at=now, actor=ACTOR, reason=reason
        )
    except LockHeldError:
        return ""  # it has renewed its lease since: it lives
    return after.id if (before.state, after.outcome) == ("running", reason) else ""


def repair_alias(model: str, ground: Ground, now: datetime) -> str:
    """Put an alias that is not where it belongs right, unless a release is under way."""
    for attempt in range(_TRIES):
        try:
            seen = ground.traffic.routing()
        except NotFoundError:
            return ""  # trained, but its stack is not deployed here
        wanted = function_version_of(model, ground.registry)
        if not wanted or (seen.function_version, seen.canary) == (wanted, ""):
            return ""
        try:
            ground.traffic.route(wanted, revision=seen.revision)
        except TrafficConflictError:
            if attempt + 1 == _TRIES:
                raise
            continue
        return _told(model, ground.registry, seen, wanted, now)
    raise AssertionError("unreachable")


def function_version_of(model: str, registry: Registry) -> str:
    """Return the function version that all traffic belongs to; nothing while that may change.

    Nothing also before any release: what the alias points to then is CDK's.
    """
    lock = registry.lock(model)
    if lock is not None and lock.holder:
        return ""
    champion = registry.pointer(model, "champion")
    if champion is not None:
        return registry.release(model, champion.release).function_version
    # Before the first champion: what the first release found, which is CDK's seed.
    found = [r for r in registry.releases(model, LARGEST_NUMBER) if r.previous_function_version]
    first = min(found, key=lambda release: release.started, default=None)
    return first.previous_function_version if first is not None else ""


def _told(model: str, registry: Registry, seen: Routing, wanted: str, now: datetime) -> str:
    found = f"{seen.function_version}, {seen.weight} % on {seen.canary or 'none'}"
    reason = f"no release is under way and the alias pointed to {found}; put back to {wanted}"
    act = Act(now, ACTOR, reason)
    registry.note(
        model,
        kind=REPAIRED,
        act=act,
        subject=f"function:{wanted}",
        evidence={
            "function_version": wanted,
            "found": seen.function_version,
            "canary": seen.canary,
            "weight": seen.weight,
        },
    )
    return reason
