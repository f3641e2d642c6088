"""Tables for people; machines get the values themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Column, Table
from rich.text import Text

from tidegate.registry.values import DriftReport, Event, GateResult, Release, Version
from tidegate_cli.registry_views.parts import row

LONGEST_REASON = 140
STATUS = {
    "champion": "bold green",
    "approved": "cyan",
    "retired": "dim",
    "quarantined": "red",
    "failed": "red",
    "promoted": "green",
    "rolled_back": "yellow",
    "running": "cyan",
    "drift": "red",
    "no_drift": "green",
    "insufficient_data": "yellow",
    "ALARM": "bold red",
    "OK": "green",
}


def coloured(word: str) -> Text:
    """Return a status word in its colour."""
    return Text(word, style=STATUS.get(word, ""))


def labels_line(coverage: float | None, delay: Mapping[str, float] | None) -> str:
    """Return how many of the served rows have a label and how late; empty when nothing is known.

    >>> labels_line(0.25, {"median": 7200.0, "p90": 90.0})
    'labels: 25.0 % of rows, after 2.0 h (median), 90 s (90 %)'
    """
    parts = [] if coverage is None else [f"{coverage:.1%} of rows".replace("%", " %")]
    if delay:
        median, p90 = duration(delay["median"]), duration(delay["p90"])
        parts.append(f"after {median} (median), {p90} (90 %)")
    return f"labels: {', '.join(parts)}" if parts else ""


def duration(seconds: float) -> str:
    """Return a duration in the largest unit of which there are two.

    >>> duration(90), duration(7200), duration(259200)
    ('90 s', '2.0 h', '3.0 d')
    """
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def versions_table(versions: Iterable[Version]) -> Table:
    """Return versions, one per line."""
    table = _table(
        "version", "status", "metrics", "gates", "created", "by", "package", "data", "code"
    )
    for v in versions:
        row(
            table,
            f"{v.model}@{v.number}",
            coloured(v.status),
            _metrics(v),
            Text("passed", "green") if v.gates_passed else Text("failed", "red"),
            f"{v.created:%Y-%m-%d %H:%M}",
            v.created_by,
            v.package_digest[:8],
            v.lineage.data_digest[:8],
            v.lineage.code_digest[:8],
        )
    return table


def metrics_table(version: Version) -> Table:
    """Return the holdout's metrics of a version."""
    table = _table("metric", "holdout")
    for name, value in sorted(version.metrics.items()):
        row(table, name, f"{value:.4f}")
    return table


def gates_table(version: Version) -> Table:
    """Return the gates of a version with their reasons."""
    table = _table("gate", "value", "bound", "champion", "", "reason")
    for gate in version.gates:
        row(
            table,
            f"{gate.metric} {gate.rule}",
            _number(gate.value),
            _number(gate.bound),
            _number(gate.champion),
            _mark(gate),
            gate.reason,
        )
    return table


def releases_table(releases: Iterable[Release]) -> Table:
    """Return releases, one per line."""
    table = _table("release", "version", "state", "weight", "started", "by", "outcome")
    for r in releases:
        row(
            table,
            r.id,
            f"{r.model}@{r.version}",
            coloured(r.state),
            f"{r.weight} %",
            f"{r.started:%Y-%m-%d %H:%M:%S}",
            r.actor,
            brief(r.outcome or r.reason),
        )
    return table


def verdicts_table(release: Release) -> Table:
    """Return what the judge said at each step."""
    table = _table("step", "answer", "at", "reasons")
    for verdict in release.verdicts:
        reasons = "; ".join(verdict.reasons)
        row(table, f"{verdict.step} %", verdict.answer, f"{verdict.at:%H:%M:%S}", reasons)
    return table


def events_table(events: Iterable[Event]) -> Table:
    """Return events, oldest first; of a long reason its first line."""
    table = _table("#", "at", "event", "subject", "by", "reason")
    for name in ("#", "event"):
        _column(table, name).no_wrap = True
    for e in events:
        at = f"{e.at:%m-%d %H:%M:%S}"
        row(table, str(e.sequence), at, e.kind, e.subject, e.actor, brief(e.reason))
    return table


def brief(reason: str) -> str:
    r"""Return the first line of a reason, shortened to what fits a table.

    >>> brief("a" * 200 + "\n more")[-3:]
    'aa…'
    """
    first = reason.partition("\n")[0]
    return first if len(first) <= LONGEST_REASON else first[: LONGEST_REASON - 1] + "…"


def reports_table(reports: Iterable[DriftReport]) -> Table:
    """Return looks of the monitor, newest first."""
    table = _table("look", "verdict", "confirmed", "score", "rows", "columns", "performance")
    for r in reports:
        row(
            table,
            r.id,
            coloured(r.verdict),
            Text("yes", "red") if r.confirmed else "no",
            f"{r.score:.2f}",
            f"{r.rows:,}",
            r.data_fault or ", ".join(r.columns[:4]),
            _number(r.performance),
        )
    return table


def _column(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.header == name)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _metrics(version: Version) -> str:
    first = [gate.metric for gate in version.gates] or sorted(version.metrics)
    shown = dict.fromkeys(name for name in first if name in version.metrics)
    return ", ".join(f"{name} {version.metrics[name]:.4f}" for name in list(shown)[:2])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _mark(gate: GateResult) -> Text:
    return Text("passed", "green") if gate.passed else Text("failed", "red")
