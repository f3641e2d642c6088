"""`tidegate validate`: every mistake of a model folder, before anything is sent anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.errors import ProjectError
from tidegate.project_file import discover, find_problems
from tidegate_cli import completion, model_folder
from tidegate_cli.faults import BAD_INPUT, MissingError
from tidegate_cli.invocation import Invocation, verb

EPILOG = """
[bold]Examples[/]

[cyan]tidegate validate[/]                        all models of the checkout
[cyan]tidegate validate flight-delay[/]           one model
[cyan]tidegate validate ../work/churn --json[/]   a folder anywhere, for machines
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "validate", epilog=EPILOG, rich_help_panel="Build")(validate)


def validate(
    call: Invocation,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|PATH]", help="One model.", autocompletion=completion.models),
    ] = None,
) -> None:
    """Check model folders: contract, policies, entry file and requirements."""
    folders = _folders(call, target)
    found = {folder: find_problems(folder) for folder in folders}
    report = [_report(folder, problems) for folder, problems in found.items()]
    call.answer({"models": report}, *(_line(folder, found[folder]) for folder in folders))
    if any(found.values()):
        raise typer.Exit(BAD_INPUT)


def _folders(call: Invocation, target: str | None) -> tuple[Path, ...]:
    if target is not None:
        return (model_folder.find(call.root, target),)
    folders = discover(model_folder.models_dir(call.root))
    if not folders:
        raise MissingError(f"{model_folder.models_dir(call.root)}: no folder with a model.toml")
    return folders


def _report(folder: Path, problems: tuple[ProjectError, ...]) -> dict[str, object]:
    listed = [{"file": p.file, "key": p.key, "expected": p.expected} for p in problems]
    return {
        "model": model_folder.model_name(folder),
        "folder": folder,
        "valid": not problems,
        "problems": listed,
    }


def _line(folder: Path, problems: tuple[ProjectError, ...]) -> str:
    name = model_folder.model_name(folder)
    if not problems:
        return f"[green]✓[/] {name}"
    lines = "\n".join(f"  {str(problem).replace('[', chr(92) + '[')}" for problem in problems)
    return f"[red]✗[/] {name}: {len(problems)} problem(s)\n{lines}"
