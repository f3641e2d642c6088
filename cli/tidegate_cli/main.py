"""`tidegate`: the command line."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from tidegate_cli import faults
from tidegate_cli.commands import (
    automation,
    backup,
    batch,
    card,
    data,
    demo,
    deploy,
    endpoint,
    events,
    local,
    monitor,
    promote,
    registry,
    release,
    reproduce,
    status,
    train,
    validate,
    versions,
)
from tidegate_cli.invocation import AsJson, Debug, Env, Invocation, default_env

EPILOG = f"""
[bold]A first round[/]

[cyan]tidegate deploy[/]                              install into the local cloud
[cyan]tidegate data push flight-delay[/]              send training data
[cyan]tidegate train flight-delay[/]                  train, gate, register, release
[cyan]tidegate predict flight-delay rows.csv[/]       ask the endpoint
[cyan]tidegate status[/]                              what serves, what is under way

[dim]Exit codes: {faults.EXIT_CODES}.[/]
"""

app = typer.Typer(
    name="tidegate",
    help="Progressive delivery for machine-learning models on AWS Lambda.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidegate {installed_version('tidegate')}")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    env: Env = None,
    as_json: AsJson = False,
    debug: Debug = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Keep what was said before the command's name."""
    ctx.obj = Invocation(env or default_env(), as_json, debug)


for module in (
    validate,
    deploy,
    data,
    train,
    versions,
    card,
    registry,
    backup,
    reproduce,
    status,
    release,
    promote,
    endpoint,
    batch,
    monitor,
    automation,
    events,
    local,
    demo,
):
    module.add_to(app)
