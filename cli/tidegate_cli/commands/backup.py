"""`tidegate registry export` and `import`: a registry as a file, and back into an empty one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tidegate.clock import stamp, utc_now
from tidegate.registry.dump_file import Header
from tidegate.registry.exporting import assemble, export
from tidegate.registry.importing import Checked, check, load
from tidegate_cli import completion
from tidegate_cli.cloud import Cloud
from tidegate_cli.commands import registry
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb

EXPORT = """
[bold]Examples[/]

[cyan]tidegate registry export --out registry.jsonl --env prod[/]           all models
[cyan]tidegate registry export flight-delay --out flight-delay.jsonl[/]     one of them
"""
IMPORT = """
[bold]Examples[/]

[cyan]tidegate registry import registry.jsonl --env prod[/]

The file is checked to its last line before anything is written. Interrupted, it is run again with
the same file and goes on; rows that are there are never changed.
"""


def add_to(app: typer.Typer) -> None:  # noqa: ARG001  # the commands' own group
    """Register the commands with those of the registry."""
    verb(registry.group, "export", epilog=EXPORT)(export_registry)
    verb(registry.group, "import", epilog=IMPORT)(import_registry)


def export_registry(
    call: Invocation,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Models. [dim]Default: all.[/]",
            autocompletion=completion.models,
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where it is written.")],
) -> None:
    """Write the registry to a file of JSON lines that says what it should hold."""
    if out.exists():
        raise InputError(f"{out} is there already", hint="name another file")
    if not out.resolve().parent.is_dir():
        raise InputError(f"{out.resolve().parent} is no folder")
    header = _export(call, call.cloud, tuple(names or ()), out)
    call.answer(
        {"file": out, **vars(header)},
        f"{out}: {header.rows:,} rows of {_models(len(header.models))}",
    )


def import_registry(
    call: Invocation,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An export.", exists=True, dir_okay=False)
    ],
) -> None:
    """Write an export into an empty registry."""
    cloud = call.cloud
    with file.open("rb") as opened:
        with call.progress.status(f"checking {file}"):
            checked = check(opened)
        _warn(call, cloud, checked)
        with call.progress.status("writing") as status:
            new = load(
                opened, checked, cloud.rows, progress=lambda m, n: status.update(f"{m}: {n:,} rows")
            )
    header = checked.header
    call.answer(
        {"file": file, "new": new, **vars(header)},
        f"{_models(new)} of {len(header.models)} written, the others were there"
        if new < len(header.models)
        else f"{_models(new)} written: {header.rows:,} rows",
    )


def _export(call: Invocation, cloud: Cloud, models: tuple[str, ...], out: Path) -> Header:
    """Write beside `out` first: an export that was interrupted leaves no file of that name."""
    settings = cloud.settings
    part = out.with_name(f".{out.name}.part")
    try:
        with tempfile.TemporaryFile(dir=out.resolve().parent) as spool, part.open("wb") as opened:
            with call.progress.status("reading") as status:
                found = export(
                    cloud.rows,
                    spool,
                    models=models,
                    progress=lambda m, n: status.update(f"{m}: {n:,} rows"),
                )
            header = Header(
                env=settings.env,
                account=settings.account,
                region=settings.region,
                exported=stamp(utc_now()),
                models=found.models,
            )
            assemble(header, found, spool, opened)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return header


def _warn(call: Invocation, cloud: Cloud, checked: Checked) -> None:
    header, settings = checked.header, cloud.settings
    here = (settings.env, settings.account, settings.region)
    if (header.env, header.account, header.region) != here:
        call.say(
            f"[yellow]this is an export of {header.env} ({header.account}, {header.region})[/]:"
            " its versions are signed by the key of there, so none of them can be released here,"
            " and objects that rows name lie in the bucket of there"
        )


def _models(count: int) -> str:
    return f"{count} model" if count == 1 else f"{count} models"
