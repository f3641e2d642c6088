"""Sweep what dead trainings left: runs without an end, versions without a body, packages alone.

end_dead_runs -> fail_stuck_versions -> remove_orphans, in this order: each makes way for the next.

Why an orphan's removal can't hit what a live registration is about to use. A package is stored by
its digest before its version is reserved, so for a while nothing refers to it:

- Whoever stores a package writes it anew, also when the same bytes lie there already. So a package
  that a live run is about to register is younger than that run's start, and each package younger
  than the start of any run under way is left alone, as is each one younger than the grace.
- The objects are listed first, the registry is read afterwards. What was listed is judged; what is
  stored later is another object version, and a removal names the object versions that were judged.
- Right before a removal the model's revision is read again. If anything was committed since, the
  judgement is thrown away and the next sweep judges anew.
- A run that is marked failed can't register any more (`finish_run` refuses), nor can a version that
  is marked failed be completed; so a workflow that is redriven after that fails, and says so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tidegate.errors import IllegalTransitionError
from tidegate.package import keys
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.executions import Executions, scaled
from tidegate.registry.rules import LARGEST_NUMBER
from tidegate.registry.values import Run

ACTOR = "sweep"
REMOVED = "OrphanRemoved"
RUN_GRACE, LEAST_RUN_GRACE = timedelta(minutes=5), timedelta(seconds=10)
GRACE, LEAST_GRACE = timedelta(hours=1), timedelta(minutes=3)
SKEW = timedelta(minutes=5)  # that the clocks of the bucket and of the functions may be apart
RECENT_RUNS = 1000  # more trainings of one model than this are not under way at once
_OBJECT = re.compile(r"(?P<package>[0-9a-f]{64})(\.zip|/[0-9a-f]{64}\.onnx)")


@dataclass(frozen=True)
class Stored:
    """One version of an object in the bucket."""

    key: str
    version_id: str
    modified: datetime


class Stock(Protocol):
    """The stored packages, each version of each object."""

    def versions(self, prefix: str) -> tuple[Stored, ...]:
        """Return every object version under a prefix."""
        ...

    def remove(self, stored: Stored) -> None:
        """Remove exactly this object version for good; one that is gone is no error."""
        ...


@dataclass(frozen=True)
class Ground:
    """What is swept; `time_scale` is the length of an hour (see `Settings`)."""

    registry: Registry
    executions: Executions
    stock: Stock
    time_scale: float = 1.0

    @property
    def run_grace(self) -> timedelta:
        """How long a run is left alone: what the cloud says of its workflow may lag behind."""
        return scaled(RUN_GRACE, time_scale=self.time_scale, least=LEAST_RUN_GRACE)

    @property
    def grace(self) -> timedelta:
        """How long what nothing refers to yet is left alone."""
        return scaled(GRACE, time_scale=self.time_scale, least=LEAST_GRACE)


@dataclass(frozen=True)
class Swept:
    """What was done: ids of runs, numbers of versions, keys of packages."""

    runs: tuple[str, ...]
    versions: tuple[int, ...]
    orphans: tuple[str, ...]

    def to_metrics(self) -> dict[str, int]:
        """Return what is counted."""
        return {
            "RunsEnded": len(self.runs),
            "VersionsFailed": len(self.versions),
            "OrphansRemoved": len(self.orphans),
        }


def sweep(model: str, ground: Ground, now: datetime) -> Swept:
    """Sweep one model; again, or twice at once, it does what is left to do."""
    return Swept(
        runs=end_dead_runs(model, ground, now),
        versions=fail_stuck_versions(model, ground, now),
        orphans=remove_orphans(model, ground, now),
    )


def end_dead_runs(model: str, ground: Ground, now: datetime) -> tuple[str, ...]:
    """Mark runs as failed whose workflow no longer runs; return their ids."""
    ended = []
    for run in _under_way(model, ground.registry):
        if now - run.started < ground.run_grace:
            continue
        execution = ground.executions.training(run.id)
        if execution.is_alive:
            continue
        try:
            ground.registry.finish_run(
                model, run=run.id, state="failed", at=now, error=execution.ending, actor=ACTOR
            )
        except IllegalTransitionError:
            continue  # it has recorded its own end since
        ended.append(run.id)
    return tuple(ended)


def fail_stuck_versions(model: str, ground: Ground, now: datetime) -> tuple[int, ...]:
    """Turn pending versions whose registration died into failed ones; return their numbers."""
    failed = []
    for version in ground.registry.versions(model, LARGEST_NUMBER):
        if version.status != "pending" or now - version.created < ground.grace:
            continue
        execution = ground.executions.training(version.run)
        if execution.is_alive:
            continue
        reason = f"its registration by {version.run} died: {execution.ending}"
        after = ground.registry.fail_version(
            model, number=version.number, at=now, actor=ACTOR, reason=reason
        )
        failed += [after.number] if after.status == "failed" else []
    return tuple(failed)


def remove_orphans(model: str, ground: Ground, now: datetime) -> tuple[str, ...]:
    """Remove packages, and models that lie apart from them, that nothing refers to; return keys."""
    by_key = _packages(model, ground)
    seen = ground.registry.meta(model).rev
    used = {version.package_digest for version in ground.registry.versions(model, LARGEST_NUMBER)}
    young = _youngest_orphan(_under_way(model, ground.registry), ground, now)
    removed = []
    for key, stored in sorted(by_key.items()):
        digest = _package_of(key, model)
        if digest in used or max(one.modified for one in stored) >= young:
            continue
        if ground.registry.meta(model).rev != seen:
            break  # somebody committed: what was judged may be in use by now
        for one in sorted(stored, key=lambda found: found.modified):
            ground.stock.remove(one)
        reason = f"no version and no run refers to it; stored before {young:%Y-%m-%dT%H:%M:%SZ}"
        ground.registry.note(
            model,
            kind=REMOVED,
            act=Act(now, ACTOR, reason),
            subject=f"package:{digest[:12]}",
            evidence={"key": key, "objects": len(stored)},
        )
        seen += 1  # by the event just noted, and by nobody else's
        removed.append(key)
    return tuple(removed)


def _under_way(model: str, registry: Registry) -> tuple[Run, ...]:
    return tuple(run for run in registry.runs(model, RECENT_RUNS) if run.state == "running")


def _packages(model: str, ground: Ground) -> dict[str, list[Stored]]:
    """Return the object versions by key; what is not named by a digest is not ours to judge."""
    found: dict[str, list[Stored]] = defaultdict(list)
    for stored in ground.stock.versions(keys.package_prefix(model)):
        if _package_of(stored.key, model):
            found[stored.key].append(stored)
    return found


def _package_of(key: str, model: str) -> str:
    """Return the digest of the package that an object is or belongs to; '' of anything else."""
    found = _OBJECT.fullmatch(key.removeprefix(keys.package_prefix(model)))
    return found["package"] if found else ""


def _youngest_orphan(runs: Iterable[Run], ground: Ground, now: datetime) -> datetime:
    """Return the moment from which on a stored package is left alone."""
    return min([now - ground.grace, *(run.started - SKEW for run in runs)])
