"""Watching an execution: its states as they are entered, until it ends or the person leaves."""

from __future__ import annotations

import typer

from tidegate_cli import workflows
from tidegate_cli.invocation import Invocation


def watch(call: Invocation, arn: str, *, again: str) -> workflows.Outcome:
    """Follow an execution with its states on stderr; Ctrl-C leaves it running and says `again`."""
    with call.progress.status("starting") as status:

        def entered(state: str, seconds: float) -> None:
            call.say(f"[dim]{seconds:6.1f} s[/]  {state}")
            status.update(state)

        try:
            return workflows.follow(call.cloud, arn, on_state=entered)
        except KeyboardInterrupt:
            call.say(f"\nit goes on without you; look again with: [cyan]{again}[/]")
            raise typer.Exit(130) from None
