"""View of a version's story: why it is, why it served, and why it stopped."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tidegate.registry.story import Decision, Service, Story
from tidegate.registry.values import GateResult, Release, Verdict, Version
from tidegate_cli.registry_questions import made
from tidegate_cli.registry_views.parts import at, lasted, row, sections, table, text
from tidegate_cli.registry_views.serving import made_line

WORDS = {
    "approved": ("approved", "cyan"),
    "overridden": ("override", "yellow"),
    "given_up": ("given up", "red"),
    "quarantined": ("quarantined", "bold red"),
}
ENDS = {
    "replaced": "replaced by",
    "moved": "moved by hand to",
    "republished": "released again as",
}


def story_view(story: Story) -> RenderableType:
    """Return a version's story from training to its end."""
    grid = sections()
    _trained(grid, story)
    _gates(grid, story.version)
    for decision in story.decisions:
        _decided(grid, decision)
    for release in story.releases:
        _released(grid, release)
    if not story.releases:
        grid.add_row("released", "never")
    for service in story.service:
        _served(grid, story.version.model, service)
    _signed(grid, story)
    return Group(_title(story), grid)


def _title(story: Story) -> Text:
    version = story.version
    parts = [f"{one.percent} % of the traffic now, as {one.role}" for one in story.shares]
    now = f": {', '.join(parts)}" if parts else ""
    name = text(f"{version.model}@{version.number}", "bold")
    return Text.assemble(name, " ", text(f"{version.status}{now}"))


def _trained(grid: Table, story: Story) -> None:
    version, run, lineage = story.version, story.run, story.version.lineage
    if run is not None:
        why = f"by {run.actor}: {run.reason}" if run.reason else f"by {run.actor}"
        grid.add_row("trained", text(f"{at(run.started)} {why}"))
    origin = version.origin
    if origin is not None:
        where = f"{origin.env} (account {origin.account}, {origin.region})"
        made_there = f"{origin.version}, made {at(origin.created)} by {origin.created_by}"
        grid.add_row("came from", text(f"{where}, there version {made_there}"))
    job = f", training job {lineage.training_job}" if lineage.training_job else ""
    grid.add_row("run", text(f"{version.run}{job}"))
    parent = f"{version.model}@{lineage.parent} was champion" if lineage.parent else "none"
    grid.add_row("parent", text(parent))
    grid.add_row("made from", made_line(made(version, story.inputs)))
    params = ", ".join(f"{name}={value}" for name, value in sorted(lineage.params.items()))
    grid.add_row("parameters", text(f"{params}; seed {lineage.seed}" if params else "none"))
    if lineage.image:
        grid.add_row("image", text(lineage.image))
    registered = f"{at(version.created)} by {version.created_by}"
    grid.add_row("registered", text(f"{registered}, package {version.package_digest}"))


def _gates(grid: Table, version: Version) -> None:
    if version.gates:
        grid.add_row("gates", _gate_table(version.gates))
    if version.report:
        report = f"{version.report}, SHA-256 {version.report_digest or 'unknown'}"
        grid.add_row("report", text(report))


def _gate_table(gates: Iterable[GateResult]) -> Table:
    shown = table("gate", "value", "bound", "champion", "", "reason")
    for gate in gates:
        numbers = (_number(one) for one in (gate.value, gate.bound, gate.champion))
        verdict = Text("passed", "green") if gate.passed else Text("failed", "red")
        row(shown, f"{gate.metric} {gate.rule}", *numbers, verdict, gate.reason)
    return shown


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _decided(grid: Table, decision: Decision) -> None:
    word, style = WORDS[decision.kind]
    line = f"{at(decision.at)} by {decision.actor}: {decision.reason} (event {decision.event})"
    grid.add_row(Text(word, style=style), text(line))


def _released(grid: Table, release: Release) -> None:
    began = f"{release.id} {release.state}, {at(release.started)} by {release.actor}"
    lines: list[RenderableType] = [text(f"{began}: {release.reason}" if release.reason else began)]
    lines += [_verdict(one) for one in release.verdicts]
    if release.outcome and release.outcome != release.reason:
        lines.append(_indented(f"outcome: {release.outcome}"))
    grid.add_row("released", Group(*lines))


def _verdict(verdict: Verdict) -> RenderableType:
    reasons = "; ".join(verdict.reasons)
    return _indented(f"{verdict.step} % {verdict.answer}: {reasons}")


def _served(grid: Table, model: str, service: Service) -> None:
    span = f"{at(service.since)} to now"
    if service.until is not None:
        span = f"{at(service.since)} to {at(service.until)}"
        span += f" ({lasted(service.until - service.since)})"
    by = f"release {service.release}, function version {service.function_version}"
    lines: list[RenderableType] = [text(f"{span}, {by} (event {service.event})")]
    end = service.end
    if end is not None:
        next_one = f"{ENDS[end.kind]} {model}@{end.version}, release {end.release}"
        why = f"by {end.actor}: {end.reason}" if end.reason else f"by {end.actor}"
        lines.append(_indented(f"{next_one}, {why} (event {end.event})"))
    grid.add_row("served", Group(*lines))


def _signed(grid: Table, story: Story) -> None:
    signature = story.signature
    line = f"by key {signature.key} ({signature.algorithm})" if signature else "not signed"
    grid.add_row("signature", text(line))


def _indented(line: str) -> RenderableType:
    return Padding(text(line), (0, 0, 0, 2))
