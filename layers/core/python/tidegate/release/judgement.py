"""One judgement of a release under way: gather the windows, ask the judge, record what it said."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.clock import parse_stamp
from tidegate.errors import TrafficError
from tidegate.registry.book import Registry
from tidegate.registry.values import Release, Verdict, Version
from tidegate.release.evidence import Side
from tidegate.release.judge import Look, judge
from tidegate.release.ports import Shelf
from tidegate.release.progress import Progress
from tidegate.windows.ledger import Ledger
from tidegate.windows.merge import merge
from tidegate.windows.values import Counts, Window


@dataclass(frozen=True)
class Bench:
    """What the judgement works with."""

    registry: Registry
    shelf: Shelf
    ledger: Ledger


def judge_release(progress: Progress, bench: Bench, now: datetime) -> Progress:
    """Judge the present step, store the verdict, and say how the machine goes on.

    `advance` moves to the next step; `hold` counts one more bake; `rollback` carries the reasons.
    """
    release = bench.registry.check_fence(bench.registry.release(progress.model, progress.release))
    if not progress.since or progress.weight == 0:
        raise TrafficError(f"release {release.id!r} has not shifted any traffic yet")
    said = _verdict_before(release, progress)
    verdict = said or _ask(progress, release, bench, now)
    if said is None:
        recorded = replace(release, verdicts=(*release.verdicts, verdict))
        bench.registry.advance_release(
            recorded, kind="ReleaseJudged", at=now, reason="; ".join(verdict.reasons)
        )
    return _go_on(progress, verdict)


def _verdict_before(release: Release, progress: Progress) -> Verdict | None:
    """Return the verdict of this very look when the step is repeated after it was recorded."""
    of_step = [
        verdict
        for verdict in release.verdicts
        if verdict.step == progress.weight and verdict.at >= parse_stamp(progress.since)
    ]
    return of_step[progress.holds] if len(of_step) > progress.holds else None


def _ask(progress: Progress, release: Release, bench: Bench, now: datetime) -> Verdict:
    policy = bench.shelf.project(progress.model).release
    version = bench.registry.version(progress.model, release.version)
    champion = bench.registry.version(progress.model, release.previous_version)
    # Windows are looked up by the release that published what serves, which may be an old one.
    canary_side = _side(bench, version, release.id, (parse_stamp(progress.since), now))
    champion_side = _side(
        bench, champion, release.previous_release, (parse_stamp(progress.since), now)
    )
    look = Look(
        step=progress.weight,
        holds=progress.holds,
        at=now,
        seed=zlib.crc32(release.id.encode()),
    )
    allowed = allowed_shift(version, champion)
    return judge(canary_side, champion_side, policy=policy, allowed_shift=allowed, look=look)


def allowed_shift(version: Version, champion: Version) -> float:
    """Return how much the scores may differ because the gates saw it on the holdout and passed.

    Nothing is allowed for when a gate failed (somebody overrode it), or when the holdout compared
    with another champion than the one that serves now.
    """
    seen = version.holdout_shift
    if seen is None or not version.gates_passed or version.lineage.parent != champion.number:
        return 0.0
    return max(0.0, seen)


def _side(bench: Bench, version: Version, release: str, time: tuple[datetime, datetime]) -> Side:
    reference = bench.shelf.package(version.model, version.package_digest).reference
    windows = bench.ledger.windows(version.model, release, *time)
    if windows:
        return Side(merge(windows, reference), reference.score)
    nothing = Window(
        id="none",
        model=version.model,
        version=version.number,
        release=release,
        start=time[0],
        end=time[1],
        score=Counts((0,) * reference.score.bins.cells),
    )
    return Side(nothing, reference.score)


def _go_on(progress: Progress, verdict: Verdict) -> Progress:
    reason = "; ".join(verdict.reasons)
    if verdict.answer == "advance":
        return replace(progress, answer="advance", index=progress.index + 1, holds=0, reason=reason)
    holds = progress.holds + (1 if verdict.answer == "hold" else 0)
    return replace(progress, answer=verdict.answer, holds=holds, reason=reason)
