"""`tidegate data`: training data into the environment's bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tidegate_cli import data, model_folder
from tidegate_cli.arguments import Model
from tidegate_cli.data import DataFile, PushResult
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb

EPILOG = """
[bold]Examples[/]

[cyan]tidegate data push flight-delay --until 2013-03-01[/]   by the model's own loader
[cyan]tidegate data push churn january.csv february.csv[/]    from files
"""

Day = Annotated[str | None, typer.Option(metavar="DATE")]
group = typer.Typer(no_args_is_help=True, help="Training data.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(group, "push", epilog=EPILOG)(push)
    app.add_typer(group, name="data", rich_help_panel="Build")


def push(
    call: Invocation,
    name: Model,
    files: Annotated[
        list[Path] | None, typer.Argument(help="CSV files (.csv, .csv.gz); else the loader.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Loader: from this day on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Loader: up to, but without, this day.")
    ] = None,
) -> None:
    """Send training data; files that are there already are skipped."""
    project = model_folder.read(call.root, name)
    if files and (since or until):
        raise InputError("--from and --until are for the loader; files are sent whole")
    source: Iterator[DataFile] = (
        data.read_files(files) if files else data.load(project, since=since, until=until)
    )

    def told(file: DataFile, new: bool) -> None:
        call.say(f"{'[green]sent[/]     ' if new else '[dim]unchanged[/]'} {file.name}")

    result = data.push(call.cloud, project, source, progress=told)
    call.answer(result, _summary(result))


def _summary(result: PushResult) -> str:
    text = (
        f"{result.uploaded} sent, {result.unchanged} unchanged; "
        f"{result.rows:,} rows, {result.size / 1e6:.1f} MB"
    )
    ignored = ", ".join(result.ignored)
    return (
        f"{text}\n[dim]not in the contract, ignored by training: {ignored}[/]" if ignored else text
    )
