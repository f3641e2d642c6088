"""`tidegate events`: everything that happened to a model, who did it and why."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from tidegate_cli.arguments import Model
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.tables import events_table

EPILOG = """
[bold]Examples[/]

[cyan]tidegate events flight-delay -n 50[/]
[cyan]tidegate events flight-delay --kind ReleaseRolledBack --kind GovernorDecided[/]
[cyan]tidegate events flight-delay --after 120 --json[/]
"""
POLL_SECONDS = 1.0


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "events", epilog=EPILOG, rich_help_panel="Look")(events)


def events(
    call: Invocation,
    name: Model,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest so many.")] = 30,
    after: Annotated[int, typer.Option(min=0, help="Only later than this number.")] = 0,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; repeatable.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they come.")] = False,
) -> None:
    """Show a model's events, oldest first."""
    registry = call.cloud.registry
    registry.meta(name)
    found = registry.events(name, after=after)
    shown = [event for event in found if not kind or event.kind in kind][-limit:]
    call.answer({"events": shown}, events_table(shown))
    last = found[-1].sequence if found else after
    while follow:
        time.sleep(POLL_SECONDS)
        fresh = registry.events(name, after=last)
        last = fresh[-1].sequence if fresh else last
        shown = [event for event in fresh if not kind or event.kind in kind]
        if shown:
            call.answer({"events": shown}, events_table(shown))
