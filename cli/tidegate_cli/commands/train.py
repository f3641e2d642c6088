"""`tidegate train`: code -> training workflow -> version, gates, and perhaps a release."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group, RenderableType

from tidegate.clock import utc_now
from tidegate.governance.workflows import TrainingOrder
from tidegate.registry.values import Run, Version
from tidegate_cli import code, data, model_folder, workflows
from tidegate_cli.arguments import Model, Wait, parse_params
from tidegate_cli.faults import FAILED
from tidegate_cli.identity import actor
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.tables import gates_table, metrics_table
from tidegate_cli.watching import watch

EPILOG = """
[bold]Examples[/]

[cyan]tidegate train flight-delay[/]
[cyan]tidegate train flight-delay --until 2013-04-01 -p max_depth=6 -m "deeper"[/]
[cyan]tidegate train flight-delay --no-release --no-wait[/]
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "train", epilog=EPILOG, rich_help_panel="Deliver")(train)


def train(
    call: Invocation,
    name: Model,
    *,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="KEY=VALUE", help="Replace a training parameter."),
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="DATE", help="Only data files named for days before this.")
    ] = "",
    release: Annotated[
        bool, typer.Option("--release/--no-release", help="Release at once if the gates pass.")
    ] = True,
    wait: Wait = True,
    reason: Annotated[
        str, typer.Option("--reason", "-m", help="Why; kept in the event log.")
    ] = "asked by hand",
) -> None:
    """Train a model. The same data, code, parameters and environment train nothing twice."""
    project = model_folder.read(call.root, name)
    model, at = project.name, utc_now()
    data.day(until, data.LATEST)  # refuses what is no date
    order = TrainingOrder(
        model,
        workflows.new_run(model, at),
        actor(),
        reason,
        params=parse_params(param or []),
        data_until=until,
        release="auto" if release else "none",
    )
    digest = code.push(call.cloud, project, actor=order.actor, at=at)
    arn = workflows.train(call.cloud, order)
    call.say(f"run [cyan]{order.run}[/] with code {digest[:12]}")
    if not wait:
        call.answer({"run": order.run, "execution": arn, "code": digest}, f"started {order.run}")
        return
    outcome = watch(call, arn, again=f"tidegate status {model}")
    _report(call, order, outcome)


def _report(call: Invocation, order: TrainingOrder, outcome: workflows.Outcome) -> None:
    run = _run(call, order)
    if run is None or not run.version:
        error = (run.error if run else "") or f"{outcome.error}: {outcome.cause}".strip(": ")
        answer = {"run": order.run, "status": outcome.status, "error": error}
        call.answer(answer, f"[red]failed[/] {order.run}\n{error.replace('[', chr(92) + '[')}")
        raise typer.Exit(FAILED)
    version = call.cloud.registry.version(order.model, run.version)
    release = str(outcome.output.get("release_id") or "") if outcome.output.get("release") else ""
    shown = _shown(run, version, release, outcome.seconds)
    call.answer({"run": run, "version": version, "release": release}, shown)
    if not (outcome.succeeded and version.gates_passed):
        raise typer.Exit(FAILED)


def _run(call: Invocation, order: TrainingOrder) -> Run | None:
    runs = call.cloud.registry.runs(order.model)
    return next((run for run in runs if run.id == order.run), None)


def _shown(run: Run, version: Version, release: str, seconds: float) -> RenderableType:
    reused = "nothing changed, so nothing was trained: " if run.state == "reused" else ""
    head = f"{reused}[bold]{version.model}@{version.number}[/] {version.status} ({seconds:.0f} s)"
    if release:
        tail = f"release {release} is under way: tidegate status {version.model}"
    elif not version.gates_passed:
        tail = "[red]gates failed[/]; it is not released"
    else:
        tail = f"release it with: tidegate release {version.model}@{version.number}"
    return Group(head, metrics_table(version), gates_table(version), tail)
