"""Registry events in words, one line each."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.registry.values import Event

Words = Callable[[Event], str]

SILENT = {"CodePushed", "InputsRecorded", "ModelCreated", "RunSucceeded", "VersionReserved"}
_BY_KIND: dict[str, Words] = {
    "RunStarted": lambda e: f"training starts ({e.reason}, asked by {e.actor})",
    "RunReused": lambda e: (
        f"nothing to train: version {_of(e, 'version')} came from the same data, code, parameters "
        "and environment"
    ),
    "RunFailed": lambda e: f"[red]training failed[/]: {e.reason}",
    "VersionRegistered": lambda e: f"{e.subject.replace(':', ' ')} registered",
    "VersionApproved": lambda e: f"{e.subject.replace(':', ' ')} approved: {e.reason}",
    "VersionQuarantined": lambda e: (
        f"[red]{e.subject.replace(':', ' ')} quarantined[/]: {e.reason}"
    ),
    "ReleaseStarted": lambda e: f"release of version {_of(e, 'version')} starts, lock taken",
    "ReleasePublished": lambda e: (
        f"published as function version {_of(e, 'function_version')}; its code is the package"
    ),
    "WeightShifted": lambda e: (
        f"[cyan]{_of(e, 'weight')} %[/] of the traffic to version {_of(e, 'version')}"
    ),
    "ReleaseJudged": lambda e: (
        f"judge at {_of(e, 'step')} %: [bold]{_of(e, 'answer')}[/] - {e.reason}"
    ),
    "ReleasePromoted": lambda e: f"[green]version {_of(e, 'version')} is champion[/], 100 %",
    "ReleaseRolledBack": lambda e: (
        f"[yellow]rolled back[/], version {_of(e, 'previous_version')} serves everything"
    ),
    "ReleaseFailed": lambda e: f"[red]release failed[/]: {e.reason}",
    "ChampionMoved": lambda e: (
        f"version {_of(e, 'version')} is champion again, by hand: {e.reason}"
    ),
    "AutomationPaused": lambda e: f"governor [yellow]paused[/]: {e.reason}",
    "AutomationResumed": lambda e: f"governor on again: {e.reason}",
    "GovernorDecided": lambda e: f"governor: [bold]{_of(e, 'action')}[/] - {e.reason}",
}


def in_words(event: Event) -> str:
    """Return one line; empty for what says nothing that another line does not."""
    if event.kind in SILENT:
        return ""
    if event.kind == "DriftReported":
        return _look(event)
    words = _BY_KIND.get(event.kind)
    return words(event) if words else f"{event.kind} {event.subject} {event.reason}".rstrip()


def _look(event: Event) -> str:
    verdict = str(_of(event, "verdict")).replace("_", " ")
    text = f"monitor: {verdict} in {_of(event, 'rows')} flights"
    if event.evidence.get("verdict") == "insufficient_data":
        return f"[dim]{text}[/]"
    text += f" (worst column at {float(_of(event, 'score')):.1f} of its threshold)"
    return f"[bold red]{text}; confirmed[/]" if event.evidence.get("confirmed") else text


def _of(event: Event, name: str) -> str | int | float | bool:
    return event.evidence.get(name, "?")
