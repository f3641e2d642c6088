"""`tidegate demo`: the whole loop on real flights."""

from __future__ import annotations

import typer

from tidegate_cli.faults import USAGE, InputError
from tidegate_cli.invocation import Invocation, verb


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "demo", rich_help_panel="Local cloud")(demo)


def demo(call: Invocation) -> None:
    """Tell the whole story in the local cloud: train, canary, drift, retrain, roll back."""
    if call.env != "local":
        error = InputError(f"the demo runs in the local cloud, not in {call.env}")
        error.code = USAGE
        raise error
    from tidegate_cli.demo.command import run

    run(call)
