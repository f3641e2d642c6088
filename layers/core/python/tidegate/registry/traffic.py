"""What traffic does after a commit, from the records that the commit writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tidegate.registry.values import Event, Pointer, Record, Reign, Release, Serving


def serving_after(
    before: Serving, records: Iterable[Record], evidence: Mapping[str, object]
) -> Serving:
    """Return what traffic does once `records` are written; `evidence` is of the same commit."""
    now = before
    written = tuple(records)
    for release in (record for record in written if isinstance(record, Release)):
        if release.state != "running" and release.id == now.open_release:
            now = replace(now, open_release="", challenger=0, weight=0)
    for record in written:
        if isinstance(record, Release) and record.state == "running":
            opened = replace(now, open_release=record.id, challenger=record.version)
            now = replace(opened, weight=record.weight)
        elif isinstance(record, Pointer) and record.name == "champion":
            function = str(evidence.get("function_version", ""))
            now = replace(
                now,
                champion=int(record.target or 0),
                release=record.release,
                function_version=function,
            )
    return now


def reign_of(before: Serving, event: Event) -> tuple[Reign, ...]:
    """Return the reign that an event begins, if it does."""
    now = event.serving
    if (before.champion, before.release) == (now.champion, now.release):
        return ()
    return (
        Reign(
            model=event.model,
            sequence=event.sequence,
            version=now.champion,
            release=now.release,
            function_version=now.function_version,
            since=event.at,
            actor=event.actor,
            reason=event.reason,
        ),
    )
