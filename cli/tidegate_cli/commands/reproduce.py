"""`tidegate reproduce`: a version trained again from what is recorded of it, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.package.manifest import MODEL
from tidegate_cli.arguments import VersionNumber, VersionRef, split_version
from tidegate_cli.faults import FAILED
from tidegate_cli.invocation import Invocation, verb

if TYPE_CHECKING:
    # numpy comes with them, and no other command should wait for it.
    from tidegate.training.reproduction import Line, Member, Metric, Reproduction
    from tidegate_cli.reproducing import Recorded

EPILOG = """
The exact code, data files, parameters, seed and requirements of the version are fetched by digest
and trained on this machine, in a folder that is removed again. Nothing is registered.

Exit code 0: the package is identical. 1: it differs, or the training failed. 4: data is gone.

[bold]Examples[/]

[cyan]tidegate reproduce flight-delay@3[/]
[cyan]tidegate reproduce flight-delay@3 --env prod --json | jq .members[/]
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "reproduce", epilog=EPILOG, rich_help_panel="Look")(reproduce)


def reproduce(call: Invocation, ref: VersionRef, number: VersionNumber = None) -> None:
    """Train a version again from its recorded inputs and say whether the package is identical."""
    from tidegate_cli import reproducing

    model, version = split_version(ref, number)
    wanted = reproducing.recorded(call.cloud, model, version)
    found = _again(call, wanted)
    answer = {"version": wanted.name, "identical": found.identical, **asdict(found)}
    call.answer(answer, _shown(wanted, found))
    if not found.identical:
        raise typer.Exit(FAILED)


def _again(call: Invocation, wanted: Recorded) -> Reproduction:
    from tidegate.scoring.onnx_session import OnnxSession
    from tidegate.training.reproduction import compare_environments, compare_packages
    from tidegate_cli import reproducing

    with (
        tempfile.TemporaryDirectory(prefix="tidegate-reproduce-") as scratch,
        call.progress.status("") as status,
    ):

        def log(line: str) -> None:
            status.update(f"[dim]{escape(line[:100])}[/]")

        folder = Path(scratch)
        rows = sum(file.rows for file in wanted.files)
        call.say(f"fetching code and {len(wanted.files)} data file(s), {rows} rows")
        reproducing.lay_out(folder, call.cloud, wanted, log=log)
        job = reproducing.job_in(folder, call.root)
        _warn(call, compare_environments(wanted.package.environment, job.environment(log=log)))
        call.say(f"training {wanted.name} again")
        now = job.train(minutes=wanted.project.training.max_minutes, log=log)
        return compare_packages(wanted.package, now, open_session=OnnxSession)


def _warn(call: Invocation, differing: tuple[Line, ...]) -> None:
    if not differing:
        call.say("the environment is the recorded one, line by line")
        return
    call.say("[yellow]this is another environment[/]; a package that differs is likely due to it:")
    call.progress.print(_lines(differing))


def _shown(wanted: Recorded, found: Reproduction) -> RenderableType:
    if found.identical:
        return f"[bold green]identical[/] {wanted.name} is again package\n{found.now}"
    answers = found.answers
    largest = "other" if answers.max_difference is None else f"{answers.max_difference:.3g}"
    parts: list[RenderableType] = [
        f"[bold red]differs[/] {wanted.name} was package\n{found.recorded}, is now\n{found.now}",
        _members(found.members),
    ]
    if found.environment:
        parts.append(_lines(found.environment))
    return Group(
        *parts,
        _metrics(found.metrics),
        f"{answers.requests} golden requests: scores differ by at most {largest},"
        f" {answers.label_flips} label(s) flip",
        _model(found),
    )


def _model(found: Reproduction) -> str:
    before, after = found.model_bytes
    if MODEL in (member.name for member in found.members):
        return f"{MODEL} differs: {before} bytes, now {after}"
    return f"{MODEL} is the same, byte by byte ({after} bytes)"


def _members(members: Iterable[Member]) -> Table:
    rows = ((m.name, m.recorded[:12], m.now[:12]) for m in members)
    return _table("part of the package", rows)


def _lines(lines: Iterable[Line]) -> Table:
    return _table("environment", ((x.name, x.recorded or "-", x.now or "-") for x in lines))


def _metrics(metrics: Iterable[Metric]) -> Table:
    rows = (
        (m.name, _number(m.recorded), _number(m.now), _number(m.difference, sign="+"))
        for m in metrics
    )
    return _table("metric", rows, "difference")


def _number(value: float | None, *, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.6g}"


def _table(what: str, rows: Iterable[tuple[str, ...]], *more: str) -> Table:
    table = Table(what, "recorded", "now", *more, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    return table
