"""Who serves: shares of the traffic, and terms from a champion's beginning to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tidegate.registry.values import Event, Reign, Serving

Role = Literal["champion", "challenger"]


@dataclass(frozen=True)
class Share:
    """What part of the traffic a version gets, in percent, and by which release."""

    role: Role
    version: int
    percent: int
    release: str


@dataclass(frozen=True)
class Term:
    """A reign, when it ended, and the reign that followed; both None while it lasts."""

    reign: Reign
    until: datetime | None = None
    successor: Reign | None = None


def shares(serving: Serving) -> tuple[Share, ...]:
    """Return who gets how much of the traffic; before any champion the rest is not answered.

    >>> [(s.role, s.percent) for s in shares(Serving(1, "r-1", "2", 2, "r-2", weight=10))]
    [('champion', 90), ('challenger', 10)]
    """
    found: list[Share] = []
    if serving.champion:
        percent = 100 - serving.weight
        found.append(Share("champion", serving.champion, percent, serving.release))
    if serving.challenger:
        opened = Share("challenger", serving.challenger, serving.weight, serving.open_release)
        found.append(opened)
    return tuple(found)


def terms(reigns: Iterable[Reign]) -> tuple[Term, ...]:
    """Return the terms of a model's reigns; both are newest first, and the first one lasts.

    Of reigns that are not the newest ones the first term's end is not known: give them all, or the
    newest ones.
    """
    found: list[Term] = []
    successor: Reign | None = None
    for reign in reigns:
        found.append(Term(reign, successor.since if successor else None, successor))
        successor = reign
    return tuple(found)


def turning(events: Iterable[Event]) -> Event | None:
    """Return the last event that changed what traffic does; None when none did.

    `events` are of one model, oldest first; what was so before the first of them counts as nothing.
    """
    before, found = Serving(), None
    for event in events:
        if event.serving != before:
            before, found = event.serving, event
    return found
