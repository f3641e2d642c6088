"""The history of origin: what happened to a version where it comes from, as canonical JSON lines.

its row -> its run and registration -> its releases with every verdict -> what became of it since

Each line names account, region and environment, so the history of a version that was promoted twice
begins with the one that it brought along. The log only grows: a later copy begins with the earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from tidegate.clock import stamp
from tidegate.decoding import canonical_json
from tidegate.registry.values import Event, Version


@dataclass(frozen=True)
class Place:
    """One environment of one account and region."""

    env: str
    account: str
    region: str

    def __str__(self) -> str:
        """Name the environment with its account, which may hold several."""
        return f"{self.env} ({self.account}, {self.region})"


def history_of(place: Place, version: Version, events: Iterable[Event]) -> bytes:
    """Return the lines on one version among all its model's `events`, oldest first."""
    row = asdict(version)
    del row["status"]  # the one field that changes; the events say how
    told = ({"event": _plain(asdict(event))} for event in _about(version, events))
    lines = [{"version": _plain(row)}, *told]
    where = asdict(place)
    return b"".join(canonical_json({**where, **line}) + b"\n" for line in lines)


def _about(version: Version, events: Iterable[Event]) -> Iterator[Event]:
    subjects = {f"version:{version.number}", f"run:{version.run}"}
    for event in events:
        if event.kind == "ReleaseStarted" and event.evidence.get("version") == version.number:
            subjects.add(event.subject)
        if event.subject in subjects:
            yield event


def _plain(value: object) -> object:
    """Return JSON values: times as stamps, tuples as lists."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value
