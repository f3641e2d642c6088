"""The table at the end: versions, releases and looks, each on a line."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from tidegate.registry.values import DriftReport, Release, Version
from tidegate_cli.tables import coloured


def versions(found: Iterable[Version], *, metrics: tuple[str, ...]) -> Table:
    """Return versions with metrics and the digests of what made them."""
    table = _table("Versions", "", "status", *metrics, "gates", "data", "code", "package", "by")
    for v in sorted(found, key=lambda version: version.number):
        table.add_row(
            str(v.number),
            coloured(v.status),
            *(f"{v.metrics[name]:.4f}" if name in v.metrics else "" for name in metrics),
            "passed" if v.gates_passed else "[red]failed[/]",
            v.lineage.data_digest[:8],
            v.lineage.code_digest[:8],
            v.package_digest[:8],
            v.created_by,
        )
    return table


def releases(found: Iterable[Release]) -> Table:
    """Return releases with their verdicts, and the reason of the last one."""
    table = _table("Releases", "version", "state", "verdicts", "seconds", "because")
    for r in sorted(found, key=lambda release: release.started):
        took = f"{(r.finished - r.started).total_seconds():.0f}" if r.finished else ""
        said = ", ".join(f"{v.step} % {v.answer}" for v in r.verdicts)
        reason = r.verdicts[-1].reasons[-1] if r.verdicts else r.outcome
        table.add_row(str(r.version), coloured(r.state), said or "no champion yet", took, reason)
    return table


def looks(found: Iterable[DriftReport]) -> Table:
    """Return looks of the monitor, oldest first; performance is the first gate's metric."""
    table = _table("Drift", "look", "verdict", "flights", "of threshold", "columns", "performance")
    for r in sorted(found, key=lambda report: report.id):
        verdict = coloured(r.verdict)
        if r.confirmed:
            verdict.append(", confirmed")
        told = "" if r.performance is None else f"{r.performance:.4f}"
        table.add_row(
            r.id[11:19], verdict, f"{r.rows:,}", f"{r.score:.1f}", ", ".join(r.columns), told
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", header_style="dim")
    return table
