"""Why: one version's story, told from its records and the log.

trained -> gates -> approved, overridden or given up -> released -> served -> replaced, quarantined
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tidegate.registry.service import Share, Term, shares, terms
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

DecisionKind = Literal["approved", "overridden", "given_up", "quarantined"]
EndKind = Literal["replaced", "moved", "republished"]
_ENDED_BADLY = ("ReleaseRolledBack", "ReleaseFailed")


@dataclass(frozen=True)
class Records:
    """What the registry holds of a version; releases and reigns are all of its model's."""

    version: Version
    run: Run | None  # None: it was trained in another environment
    inputs: tuple[Input, ...]
    signature: Signature | None
    releases: tuple[Release, ...]  # newest first
    reigns: tuple[Reign, ...]  # newest first
    events: tuple[Event, ...]  # oldest first
    serving: Serving  # of now


@dataclass(frozen=True)
class Decision:
    """What somebody or something decided on the version; `event` is its number in the log."""

    kind: DecisionKind
    at: datetime
    actor: str
    reason: str
    event: int


@dataclass(frozen=True)
class End:
    """Why the version stopped serving: a newer one, a move by hand, or a release of it again."""

    kind: EndKind
    version: int  # that serves from then on
    release: str
    actor: str
    reason: str
    event: int


@dataclass(frozen=True)
class Service:
    """A time in which the version was champion; `until` and `end` are None while it is."""

    since: datetime
    until: datetime | None
    release: str
    function_version: str
    actor: str
    reason: str
    event: int
    end: End | None


@dataclass(frozen=True)
class Story:
    """One version from training to its end; lists are oldest first."""

    version: Version
    run: Run | None
    inputs: tuple[Input, ...]
    signature: Signature | None
    decisions: tuple[Decision, ...]
    releases: tuple[Release, ...]
    service: tuple[Service, ...]
    shares: tuple[Share, ...]  # of the traffic now; empty: it does not serve


def story_of(records: Records) -> Story:
    """Put a version's records in order and say what became of it."""
    number = records.version.number
    releases = tuple(one for one in reversed(records.releases) if one.version == number)
    return Story(
        version=records.version,
        run=records.run,
        inputs=records.inputs,
        signature=records.signature,
        decisions=_decisions(records.version, releases, records.events),
        releases=releases,
        service=_service(number, records.reigns, records.events),
        shares=tuple(one for one in shares(records.serving) if one.version == number),
    )


def _decisions(
    version: Version, releases: Iterable[Release], events: Iterable[Event]
) -> tuple[Decision, ...]:
    own = f"version:{version.number}"
    released = {f"release:{release.id}" for release in releases}
    found: list[Decision] = []
    ended_badly: Event | None = None
    for event in events:
        kind = _decision(event) if event.subject == own else None
        if kind is not None:
            found.append(_decided(kind, event))
        elif event.subject in released and event.kind in _ENDED_BADLY:
            ended_badly = event
    noted = any(decision.kind == "quarantined" for decision in found)
    if version.status == "quarantined" and not noted and ended_badly is not None:
        # A release that finds its version wrong quarantines it by the event of its own end.
        found.append(_decided("quarantined", ended_badly))
    return tuple(found)


def _decision(event: Event) -> DecisionKind | None:
    match event.kind:
        case "VersionApproved":
            return "overridden" if event.evidence.get("override") else "approved"
        case "VersionQuarantined":
            return "quarantined"
        case "VersionFailed":
            return "given_up"
        case _:
            return None


def _decided(kind: DecisionKind, event: Event) -> Decision:
    return Decision(kind, event.at, event.actor, event.reason, event.sequence)


def _service(number: int, reigns: Iterable[Reign], events: Iterable[Event]) -> tuple[Service, ...]:
    kinds = {event.sequence: event.kind for event in events}
    own = [term for term in terms(reigns) if term.reign.version == number]
    return tuple(_served(term, kinds) for term in reversed(own))


def _served(term: Term, kinds: dict[int, str]) -> Service:
    reign, next_one = term.reign, term.successor
    return Service(
        since=reign.since,
        until=term.until,
        release=reign.release,
        function_version=reign.function_version,
        actor=reign.actor,
        reason=reign.reason,
        event=reign.sequence,
        end=_end(reign, next_one, kinds) if next_one is not None else None,
    )


def _end(reign: Reign, successor: Reign, kinds: dict[int, str]) -> End:
    moved = kinds.get(successor.sequence) == "ChampionMoved"
    again = successor.version == reign.version
    kind: EndKind = "moved" if moved else "republished" if again else "replaced"
    return End(
        kind=kind,
        version=successor.version,
        release=successor.release,
        actor=successor.actor,
        reason=successor.reason,
        event=successor.sequence,
    )
