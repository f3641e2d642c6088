"""Replay: what traffic does, told again from the log alone.

It reads kinds, subjects and evidence and not what the events say was so after them: so the two can
be held against each other, and a log that was carried elsewhere can be checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tidegate.registry.values import Event, Serving


def replay(events: Iterable[Event]) -> Serving:
    """Fold a model's events, oldest first, into what traffic does after the last of them."""
    now = Serving()
    for event in events:
        now = after(now, event)
    return now


def after(now: Serving, event: Event) -> Serving:
    """Return what traffic does after an event that finds it doing `now`, as the event tells."""
    release = event.subject.removeprefix("release:")
    match event.kind:
        case "ReleaseStarted":
            return replace(
                now, open_release=release, challenger=_number(event, "version"), weight=0
            )
        case "ReleasePromoted":
            return Serving(_number(event, "version"), release, _text(event, "function_version"))
        case "ChampionMoved":
            function = _text(event, "function_version")
            return Serving(_number(event, "version"), _text(event, "release"), function)
        case "ReleaseRolledBack" | "ReleaseFailed":
            return _closed(now) if release == now.open_release else now
        case _ if event.subject == f"release:{now.open_release}" and "weight" in event.evidence:
            return replace(now, weight=_number(event, "weight"))
        case _:
            return now


def _closed(now: Serving) -> Serving:
    return replace(now, open_release="", challenger=0, weight=0)


def _number(event: Event, name: str) -> int:
    return int(event.evidence.get(name, 0))


def _text(event: Event, name: str) -> str:
    return str(event.evidence.get(name, ""))
