"""`tidegate pause` and `tidegate resume`: whether the governor may act on drift."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from tidegate.governance.automation import ON, paused
from tidegate_cli.identity import actor
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.switching import turn


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(app, "pause", rich_help_panel="Deliver")(pause)
    verb(app, "resume", rich_help_panel="Deliver")(resume)


def pause(
    call: Invocation,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for the record.")],
) -> None:
    """Let the governor tell people of drift and start nothing, until `tidegate resume`."""
    switch = paused(actor(), reason)
    turn(call.cloud, switch, why=reason)
    line = f"[yellow]paused[/] by {escape(switch.who)}: {escape(reason)}"
    call.answer({"env": call.env, "automation": switch}, line)


def resume(
    call: Invocation,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for the record.")] = "",
) -> None:
    """Let the governor act again."""
    before = call.cloud.automation.automation()
    turn(call.cloud, ON, why=reason or f"before: {before.reason or 'on'}")
    call.answer({"env": call.env, "automation": ON}, "[green]on[/]: the governor may act")
