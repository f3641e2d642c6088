"""Decisions on releases: lock -> advance* -> finish, and the champion's moves.

The lock has a lease and a token. Who finds the lease ended takes the lock over with the next token,
and from then on every command of the old holder raises `FencedError`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tidegate.errors import (
    FencedError,
    LockHeldError,
    NotFoundError,
    ReleaseRefusedError,
    RequestError,
)
from tidegate.registry.codec import encode
from tidegate.registry.commits import Change, Evidence
from tidegate.registry.rules import check_move, check_releasable
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Lock, Pointer, Record, Reign, Release
from tidegate.registry.versions import find, moved

_ENDS = {
    "promoted": "ReleasePromoted",
    "rolled_back": "ReleaseRolledBack",
    "failed": "ReleaseFailed",
}


def begin(
    store: RegistryStore, release: Release, lease: timedelta, at: datetime
) -> Change[Release]:
    """Take the lock, if the version may be released and nobody else holds it."""
    model, lock = release.model, store.read(Lock, release.model)
    stored = store.read(Release, model, release.id)
    if stored is not None:
        return Change(_begun_before(stored, lock))
    check_releasable(find(store, model, release.version))
    if lock is not None and lock.holder and lock.expires > at:
        raise LockHeldError(
            f"release {lock.holder!r} of {model!r} is under way until {lock.expires.isoformat()}"
        )
    token = (lock.token if lock else 0) + 1
    dead = _end_of_holder(store, lock, at, f"its lease ended and {release.id} took over")
    begun = replace(_with_way_back(store, release, dead), state="running", weight=0, fence=token)
    taken = Lock(model, release.id, token, at + lease, lease.total_seconds())
    evidence: Evidence = {"version": release.version, "fence": token}
    if dead is not None:
        evidence["took_over"] = dead.id
    records: tuple[Record, ...] = (
        begun,
        taken,
        _challenger(store, model, str(release.version), at),
    )
    records += (dead,) if dead is not None else ()
    return Change(begun, "ReleaseStarted", records, f"release:{release.id}", evidence=evidence)


def _begun_before(stored: Release, lock: Lock | None) -> Release:
    if stored.state != "running":
        raise ReleaseRefusedError(f"release {stored.id!r} has ended ({stored.state}); use a new id")
    if lock is None or lock.token != stored.fence:
        raise FencedError(f"release {stored.id!r} lost its lock")
    return stored


def _end_of_holder(
    store: RegistryStore, lock: Lock | None, at: datetime, outcome: str
) -> Release | None:
    """Return the record of the release that held the lock, as failed; None if nobody did."""
    holder = store.read(Release, lock.model, lock.holder) if lock and lock.holder else None
    if holder is None or holder.state != "running":
        return None
    return replace(holder, state="failed", weight=0, finished=at, outcome=outcome)


def _with_way_back(store: RegistryStore, release: Release, dead: Release | None) -> Release:
    """Fill in what serves by the registry; before any champion it is what the alias began with."""
    champion = store.read(Pointer, release.model, "champion")
    if champion is not None and champion.target:
        served_by = store.read(Release, release.model, champion.release)
        if served_by is not None:
            return replace(
                release,
                previous_version=int(champion.target),
                previous_release=served_by.id,
                previous_function_version=served_by.function_version,
            )
    if dead is not None:
        return replace(release, previous_function_version=dead.previous_function_version)
    return release


def _challenger(store: RegistryStore, model: str, target: str, at: datetime) -> Pointer:
    old = store.read(Pointer, model, "challenger")
    return moved(old, Pointer(model, "challenger", target, 0, at))


def held(store: RegistryStore, release: Release) -> Release:
    """Return the release as stored; raise `FencedError` unless it runs and holds the lock."""
    stored = store.read(Release, release.model, release.id)
    if stored is None:
        raise NotFoundError(f"model {release.model!r} has no release {release.id!r}")
    lock = store.read(Lock, release.model)
    if stored.state != "running" or lock is None or lock.token != stored.fence:
        raise FencedError(
            f"release {release.id!r} ({stored.state}) does not hold the lock of {release.model!r}"
            f"{f' any more; {lock.holder!r} does' if lock and lock.holder else ''}"
        )
    return stored


def advance(store: RegistryStore, release: Release, kind: str, at: datetime) -> Change[Release]:
    """Store the release's new state and renew its lease."""
    if release.state != "running":
        raise RequestError(f"release {release.id!r} ends as {release.state!r} by finish_release")
    stored = held(store, release)
    if encode(stored) == encode(release):
        return Change(stored)
    if release.weight > stored.weight:  # it may have been quarantined since the release began
        check_releasable(find(store, release.model, release.version))
    lock = store.read(Lock, release.model)
    if lock is None:
        raise FencedError(f"release {release.id!r} lost its lock")
    renewed = replace(lock, expires=at + timedelta(seconds=lock.lease))
    return Change(
        release,
        kind,
        (release, renewed),
        f"release:{release.id}",
        evidence=_evidence(release, kind),
    )


def _evidence(release: Release, kind: str) -> Evidence:
    found: Evidence = {
        "version": release.version,
        "weight": release.weight,
        "function_version": release.function_version,
    }
    if kind == "ReleaseJudged" and release.verdicts:
        verdict = release.verdicts[-1]
        found |= {"answer": verdict.answer, "step": verdict.step, **verdict.evidence}
    return found


def finish(
    store: RegistryStore, release: Release, at: datetime, *, quarantine: bool
) -> Change[Release]:
    """End the release; ending it again the same way changes nothing."""
    if release.state not in _ENDS:
        raise RequestError(f"release {release.id!r} can't end as {release.state!r}")
    stored = store.read(Release, release.model, release.id)
    if stored is not None and stored.state == release.state:
        return Change(stored)
    ended = replace(release, finished=at)
    if stored is None:  # it never began: only the refusal is recorded
        if release.state != "failed":
            raise NotFoundError(f"model {release.model!r} has no release {release.id!r}")
        return Change(ended, "ReleaseFailed", (ended,), f"release:{release.id}")
    held(store, release)
    records: list[Record] = [
        ended,
        _freed(store, release.model, at),
        _challenger(store, release.model, "", at),
    ]
    if release.state == "promoted":
        records += _promotion(store, release, at)
    else:
        records += _quarantine(store, release) if quarantine else []
    evidence: Evidence = {
        "version": release.version,
        "previous_version": release.previous_version,
        "function_version": release.function_version,
    }
    kind = _ENDS[release.state]
    return Change(ended, kind, tuple(records), f"release:{release.id}", evidence=evidence)


def _freed(store: RegistryStore, model: str, at: datetime, *, fence: bool = False) -> Lock:
    lock = store.read(Lock, model) or Lock(model, "", 0, at)
    return replace(lock, holder="", token=lock.token + int(fence), expires=at)


def _quarantine(store: RegistryStore, release: Release) -> list[Record]:
    version = find(store, release.model, release.version)
    if version.status in ("champion", "quarantined"):
        return []  # a new release of the champion's own model says nothing against the champion
    check_move(version, "quarantined")
    return [replace(version, status="quarantined")]


def _promotion(store: RegistryStore, release: Release, at: datetime) -> list[Record]:
    version = find(store, release.model, release.version)
    check_releasable(version)
    old = store.read(Pointer, release.model, "champion")
    target = Pointer(release.model, "champion", str(version.number), 0, at, release.id)
    records: list[Record] = [moved(old, target)]
    if version.status != "champion":
        records.append(replace(version, status="champion"))
    if old is not None and old.target and int(old.target) != version.number:
        before = find(store, release.model, int(old.target))
        check_move(before, "retired")
        records.append(replace(before, status="retired"))
    return records


def abandon(
    store: RegistryStore, model: str, release: str, at: datetime, reason: str
) -> Change[Release]:
    """End a release that died, and fence it off; one that has ended is left as it is."""
    stored = store.read(Release, model, release)
    if stored is None:
        raise NotFoundError(f"model {model!r} has no release {release!r}")
    if stored.state != "running":
        return Change(stored)
    lock = store.read(Lock, model)
    holds = lock is not None and lock.holder == release
    if lock is not None and holds and lock.expires > at:
        raise LockHeldError(f"release {release!r} of {model!r} lives: {lock.expires.isoformat()}")
    ended = replace(stored, state="failed", weight=0, finished=at, outcome=reason)
    records: list[Record] = [ended]
    if holds:
        records += [_freed(store, model, at, fence=True), _challenger(store, model, "", at)]
    evidence: Evidence = {
        "version": stored.version,
        "previous_version": stored.previous_version,
        "function_version": stored.function_version,
    }
    return Change(ended, "ReleaseFailed", tuple(records), f"release:{release}", evidence=evidence)


def move_champion(store: RegistryStore, model: str, number: int, at: datetime) -> Change[Release]:
    """Make a former champion champion again, and fence off a release under way."""
    version = find(store, model, number)
    check_releasable(version)
    champion = store.read(Pointer, model, "champion")
    release = _last_served(store, model, number)
    lock = store.read(Lock, model)
    busy = _end_of_holder(store, lock, at, f"stopped: version {number} was put back by hand")
    same = champion is not None and champion.release == release.id
    if same and busy is None:
        return Change(release)
    records: list[Record] = [
        _freed(store, model, at, fence=True),
        _challenger(store, model, "", at),
    ]
    records += [] if same else _promotion(store, release, at)
    records += [busy] if busy is not None else []
    evidence: Evidence = {
        "version": number,
        "previous_version": int(champion.target) if champion and champion.target else 0,
        "release": release.id,
        "function_version": release.function_version,
        "stopped": busy.id if busy is not None else "",
    }
    return Change(release, "ChampionMoved", tuple(records), f"version:{number}", evidence=evidence)


def _last_served(store: RegistryStore, model: str, number: int) -> Release:
    """Return the release that a version last served by.

    The reigns are in the order of the log; the times of releases are of clocks that differ.
    """
    for reign in store.newest(Reign, model, 0):
        if reign.version == number:
            served = store.read(Release, model, reign.release)
            if served is not None:
                return served
    raise ReleaseRefusedError(
        f"version {number} of {model!r} was never promoted, so there is nothing to go back to;"
        f" release it: tidegate release {model} {number}"
    )
