"""Finish: collect what was done of every piece, and say it in one manifest, whatever happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tidegate.batch import addresses
from tidegate.batch.house import House
from tidegate.batch.planning import Plan, read_items
from tidegate.batch.values import LAYOUT, Manifest, Order, Part, Piece, Status, Stored, Totals
from tidegate.batch.working import may_be_taken, record_of
from tidegate.decoding import canonical_json

AT_ONCE = 16  # records that are read at a time
NAMED = 20  # failures that the answer names; the manifest has all
NOT_DONE = "it was not done: the job ended before, or its worker died (time, memory)"


@dataclass(frozen=True)
class Ending:
    """How a job ended, in the few words that fit a state machine's output."""

    status: Status
    manifest: str  # s3:// address
    totals: Totals
    failures: tuple[tuple[str, str], ...]  # key and error of the first ones


def finish(order: Order, plan: Plan, house: House, ended: str) -> Ending:
    """Write the manifest of a job that ended at `ended` (ISO 8601), and return how it ended."""
    pieces = read_items(plan, house)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = tuple(pool.map(lambda piece: _part(piece, house), pieces))
    done = tuple(part for part in parts if part.output is not None)
    failed = tuple(part for part in parts if part.output is None)
    totals = _totals(done, failed, job=order.job)
    tolerated = len(failed) * 100 <= order.tolerated_percent * len(parts)
    status: Status = "failed" if not tolerated else "incomplete" if failed else "complete"
    manifest = Manifest(
        format=LAYOUT,
        job=order.job,
        model=order.model,
        version=plan.version,
        package_digest=plan.digest,
        source=order.source,
        out=order.out,
        actor=order.actor,
        reason=order.reason,
        started=plan.started,
        ended=ended,
        status=status,
        totals=totals,
        objects=done,
        failures=failed,
        tolerated_percent=order.tolerated_percent,
        keep=order.keep,
    )
    out = house.buckets.read(order.out, what="--out")
    key = f"{addresses.output_prefix(out)}{addresses.MANIFEST}"
    house.objects.put(out.bucket, key, canonical_json(manifest))
    first = tuple((part.input.key, part.error) for part in failed[:NAMED])
    return Ending(status, f"s3://{out.bucket}/{key}", totals, first)


def _part(piece: Piece, house: House) -> Part:
    """Return what this job did of a piece or could leave as it was; else, that it was not done."""
    part = record_of(piece, house.objects)
    # A record of an earlier job alone says nothing: its output may be gone, or another by now.
    if part is not None and (part.job == piece.job or may_be_taken(part, piece, house.objects)):
        return part
    source = piece.source
    unread = Stored(source.bucket, source.key, "", "", source.size)
    return Part(piece.identity, piece.job, unread, error=NOT_DONE)


def _totals(done: tuple[Part, ...], failed: tuple[Part, ...], *, job: str) -> Totals:
    return Totals(
        objects=len(done) + len(failed),
        succeeded=len(done),
        failed=len(failed),
        reused=sum(part.job != job for part in done),
        rows=sum(part.rows for part in done),
        bad_rows=sum(part.bad_rows for part in done),
    )
