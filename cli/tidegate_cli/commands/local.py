"""`tidegate local`: the cloud on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from tidegate_cli.checkout import environment
from tidegate_cli.faults import UNREACHABLE
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.local import cloud
from tidegate_cli.local.cloud import Endpoint, Options

EPILOG = """
[bold]Examples[/]

[cyan]tidegate local up[/]
[cyan]tidegate local logs --follow[/]
[cyan]tidegate local logs --group /aws/lambda/tidegate-local-judge[/]
[cyan]eval "$(tidegate local env)"; aws dynamodb list-tables[/]
"""

group = typer.Typer(
    no_args_is_help=True, help="The cloud on this machine: no account, no Docker.", epilog=EPILOG
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(group, "up")(up)
    verb(group, "down")(down)
    verb(group, "status")(status)
    verb(group, "logs")(logs)
    verb(group, "env")(show_environment)
    app.add_typer(group, name="local", rich_help_panel="Local cloud")


def start(call: Invocation, *, port: int | None = None, fresh: bool = False) -> Endpoint:
    """Start the local cloud with the time scale of cdk.json, or return the running one."""
    scale = environment(call.root, "local").time_scale
    options = Options(time_scale=scale, wait_scale=scale)
    told = lambda line: call.say(f"[dim]local[/] {line}")  # noqa: E731
    return cloud.up(call.root, port=port, options=options, fresh=fresh, progress=told)


def up(
    call: Invocation,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: 4566, or a free one.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget everything, and install the emulator anew.")
    ] = False,
) -> None:
    """Start the local cloud, or find it running."""
    endpoint = start(call, port=port, fresh=fresh)
    call.answer(
        {"url": endpoint.url, "port": endpoint.port, "pid": endpoint.pid},
        f"[green]up[/] at {endpoint.url}",
    )


def down(call: Invocation) -> None:
    """Stop the local cloud; what it holds is kept for the next start."""
    stopped = cloud.down(call.root)
    call.answer({"stopped": stopped}, "[green]stopped[/]" if stopped else "it was not running")


def status(call: Invocation) -> None:
    """Tell whether the local cloud runs and answers."""
    found = cloud.status(call.root)
    if found.healthy and found.endpoint:
        line = f"[green]up[/] at {found.endpoint.url} (process {found.endpoint.pid})"
    else:
        line = "[red]does not answer[/]" if found.running else "[yellow]down[/]"
    call.answer(found.to_dict(), line)
    if not found.healthy:
        raise typer.Exit(UNREACHABLE)


def logs(
    call: Invocation,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Begin so far back.")] = 50,
    group_name: Annotated[
        str | None, typer.Option("--group", help="A CloudWatch log group instead of the server.")
    ] = None,
) -> None:
    """Show the server's log, or that of one function."""
    for line in cloud.logs(call.root, follow=follow, lines=lines, group=group_name):
        typer.echo(line)


def show_environment(call: Invocation) -> None:
    """Print the variables that point the AWS command line and SDKs at the local cloud."""
    found = cloud.environment(call.root)
    lines = "\n".join(f"export {name}={value}" for name, value in found.items())
    call.answer(found, lines)
