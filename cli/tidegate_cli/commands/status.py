"""`tidegate status`: what serves, with which weights, what is under way, which alarms ring."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.errors import NotFoundError
from tidegate.registry.values import DriftReport, Release, Run
from tidegate.release.ports import Routing
from tidegate_cli import completion
from tidegate_cli.cloud import Cloud
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.tables import coloured, labels_line, releases_table, reports_table

NO_ALARM = "not deployed"


@dataclass(frozen=True)
class Labels:
    """The share of served rows whose label is known, and its delay in seconds."""

    coverage: float | None
    delay: dict[str, float] | None


@dataclass(frozen=True)
class ModelStatus:
    """One model at this moment."""

    model: str
    champion: int  # 0: none
    since: str
    newest: int
    routing: Routing | None
    release: Release | None  # under way
    runs: tuple[Run, ...]  # under way
    alarms: dict[str, str]
    report: DriftReport | None
    labels: Labels | None = None  # of the champion, as of the last look


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "status", rich_help_panel="Look")(status)


def status(
    call: Invocation,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One model.", autocompletion=completion.models),
    ] = None,
) -> None:
    """Show what serves, what is under way, and which alarms ring."""
    registry = call.cloud.registry
    models = (registry.meta(name).model,) if name else registry.models()
    found = [status_of(call.cloud, model) for model in models]
    automation = call.cloud.automation.automation()
    answer = {"env": call.env, "automation": automation, "models": found}
    notes = [] if automation.is_on else [f"[yellow]{escape(automation.reason)}[/]"]
    if not found:
        call.answer(answer, *notes, f"{call.env}: no model yet; run: tidegate train NAME")
        return
    details = [part for one in found for part in _details(one)] if name else []
    call.answer(answer, Group(*notes, _table(found), *details))


def status_of(cloud: Cloud, model: str) -> ModelStatus:
    """Ask registry, alias and alarms about one model."""
    registry = cloud.registry
    pointer, newest = registry.pointer(model, "champion"), registry.versions(model, limit=1)
    running = [release for release in registry.releases(model) if release.state == "running"]
    reports = registry.reports(model, limit=1)
    return ModelStatus(
        model=model,
        champion=int(pointer.target) if pointer else 0,
        since=f"{pointer.since:%Y-%m-%d %H:%M:%S}" if pointer else "",
        newest=newest[0].number if newest else 0,
        routing=_routing(cloud, model),
        release=running[0] if running else None,
        runs=tuple(run for run in registry.runs(model) if run.state == "running"),
        alarms=_alarms(cloud, model),
        report=reports[0] if reports else None,
        labels=_labels(cloud, reports[0]) if reports else None,
    )


def _labels(cloud: Cloud, report: DriftReport) -> Labels | None:
    """Read what the registry's summary of a look leaves out."""
    if not report.key:
        return None
    whole = json.loads(cloud.artifacts.get(report.key))
    return Labels(whole.get("label_coverage"), whole.get("label_delay"))


def _routing(cloud: Cloud, model: str) -> Routing | None:
    try:
        return cloud.traffic(model).routing()
    except NotFoundError:  # trained, but its stack is not deployed here
        return None


def _alarms(cloud: Cloud, model: str) -> dict[str, str]:
    names = cloud.settings.names
    wanted = {"drift": names.drift_alarm(model), "heartbeat": names.heartbeat_alarm(model)}
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=list(wanted.values()))
    states = {alarm["AlarmName"]: str(alarm["StateValue"]) for alarm in found["MetricAlarms"]}
    return {kind: states.get(alarm, NO_ALARM) for kind, alarm in wanted.items()}


def _table(found: list[ModelStatus]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in (
        "model",
        "champion",
        "since",
        "newest",
        "traffic",
        "under way",
        "drift",
        "monitor",
    ):
        table.add_column(column)
    for one in found:
        table.add_row(
            f"[bold]{one.model}[/]",
            f"[green]@{one.champion}[/]" if one.champion else "[yellow]none[/]",
            one.since,
            f"@{one.newest}" if one.newest else "",
            _traffic(one),
            _under_way(one),
            coloured(one.alarms["drift"]),
            coloured(one.alarms["heartbeat"]),
        )
    return table


def _traffic(one: ModelStatus) -> str:
    if one.routing is None:
        return NO_ALARM
    if not one.champion:
        return ""
    if not one.routing.weight:
        return "100 %"
    canary = f"@{one.release.version}" if one.release else f"function {one.routing.canary}"
    return f"{100 - one.routing.weight} % / [cyan]{one.routing.weight} % {canary}[/]"


def _under_way(one: ModelStatus) -> str:
    parts = [f"training {run.id}" for run in one.runs]
    if one.release:
        parts.append(f"release of @{one.release.version}")
    return ", ".join(parts)


def _details(one: ModelStatus) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if one.release:
        parts += ["", releases_table([one.release])]
    if one.report:
        parts += ["", reports_table([one.report])]
    if one.labels and (told := labels_line(one.labels.coverage, one.labels.delay)):
        parts += ["", told]
    return parts
