"""Roll back by hand: the alias straight to what a former champion was published as, no canary."""

from __future__ import annotations

from tidegate.errors import RequestError, TrafficConflictError
from tidegate.registry.book import Registry
from tidegate.registry.commits import Act
from tidegate.registry.values import Release
from tidegate.release.ports import Traffic

_TRIES = 5


def roll_back_to(
    registry: Registry, traffic: Traffic, *, model: str, version: int, act: Act
) -> Release:
    """Make a former champion champion again and send it every call, at once.

    A release under way is stopped: it loses its lock first, so it can't move the alias any more.
    Repeating the call repairs one that died half way. Returns the release whose function version
    serves now. Raises `ReleaseRefusedError` when the version is quarantined or was never promoted,
    `RequestError` when the act gives no reason.
    """
    if not act.reason.strip():
        raise RequestError("rolling back by hand takes a reason")
    served_by = registry.move_champion(
        model, version=version, at=act.at, actor=act.actor, reason=act.reason
    )
    for attempt in range(_TRIES):
        seen = traffic.routing()
        try:
            traffic.route(served_by.function_version, revision=seen.revision)
            break
        except TrafficConflictError:  # the stopped release made its last move just now
            if attempt + 1 == _TRIES:
                raise
    return served_by
