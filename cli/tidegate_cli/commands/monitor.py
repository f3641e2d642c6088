"""`tidegate monitor`: a look at a champion now, and the looks so far."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidegate_cli.arguments import Model
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.monitor import look_now
from tidegate_cli.tables import labels_line, reports_table

group = typer.Typer(no_args_is_help=True, help="Drift and performance of what serves.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(group, "run")(run)
    verb(group, "reports")(reports)
    app.add_typer(group, name="monitor", rich_help_panel="Look")


def run(call: Invocation, name: Model) -> None:
    """Look now, as the schedule does; the look counts like any other."""
    call.cloud.registry.meta(name)
    found = look_now(call.cloud, name)
    told = labels_line(found.get("label_coverage"), found.get("label_delay"))
    call.answer(found, _line(found), *([told] if told else []))


def reports(
    call: Invocation,
    name: Model,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="At most.")] = 20,
) -> None:
    """List the looks so far, newest first."""
    call.cloud.registry.meta(name)
    found = call.cloud.registry.reports(name, limit=limit)
    call.answer({"reports": found}, reports_table(found) if found else "no look yet")


def _line(found: dict[str, Any]) -> str:
    if not found.get("report"):
        return "nothing serves yet: waiting for the first release"
    if found["waiting"]:
        return f"[yellow]not enough evidence[/] yet: {found['waiting']}"
    columns = ", ".join(found["columns"]) or "nothing"
    verdict = "[red]drift[/]" if found["verdict"] == "drift" else "[green]no drift[/]"
    confirmed = " [bold red]confirmed[/]" if found["confirmed"] else ""
    fault = f"\n[red]{found['data_fault']}[/]" if found["data_fault"] else ""
    return f"{verdict}{confirmed} in {found['rows']:,} rows: {columns}{fault}"
