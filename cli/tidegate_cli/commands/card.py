"""`tidegate card`: everything about one version, as a page to read, print and send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.errors import NotFoundError
from tidegate_cli.arguments import VersionNumber, VersionRef, split_version
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb

EPILOG = """
[bold]Examples[/]

[cyan]tidegate card flight-delay@3 --open[/]          write flight-delay-3.html and show it
[cyan]tidegate card flight-delay@3 --markdown[/]      the card within the package
[cyan]tidegate card flight-delay@3 --json | jq .releases[/]
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "card", epilog=EPILOG, rich_help_panel="Look")(card)


def card(
    call: Invocation,
    ref: VersionRef,
    number: VersionNumber = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="[dim]Default: NAME-VERSION.html here.[/]"
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the package's card; write no page.")
    ] = False,
    show: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
) -> None:
    """Write the model card of a version as one HTML file: facts, gates, lineage, history.

    With --markdown or --json the facts go to stdout, and a page is written only to --out.
    """
    # Templates and Markdown are loaded by the one command that needs them.
    from tidegate_cli.report.facts import gather
    from tidegate_cli.report.page import render

    model, number = split_version(ref, number)
    facts = gather(call.cloud.catalog, model, number)
    printed = markdown or call.as_json
    file = out or (None if printed and not show else Path(f"{model}-{number}.html"))
    if file is not None:
        _write(file, render(facts))
    if markdown and not call.as_json:
        if not facts.card:
            raise NotFoundError(f"the package of {model}@{number} is no longer stored")
        typer.echo(facts.card, nl=False)
    else:
        call.answer({"file": file, **vars(facts)}, f"{file}")
    if show and file is not None:
        typer.launch(str(file))


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"{file}: can't be written: {error.strerror}") from error
