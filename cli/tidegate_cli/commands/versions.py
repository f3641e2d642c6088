"""`tidegate versions` and `show`: what was trained, and from what."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group

from tidegate_cli.arguments import Model, VersionNumber, VersionRef, split_version
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.registry_views.lineage import lineage_tree
from tidegate_cli.tables import (
    gates_table,
    metrics_table,
    releases_table,
    versions_table,
)

SHOW = """
[bold]Examples[/]

[cyan]tidegate show flight-delay@2[/]
[cyan]tidegate show flight-delay@2 --json | jq .version.lineage[/]
"""


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(app, "versions", rich_help_panel="Look")(versions)
    verb(app, "show", epilog=SHOW, rich_help_panel="Look")(show)


def versions(
    call: Invocation,
    name: Model,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most.")] = 20,
) -> None:
    """List a model's versions, newest first."""
    call.cloud.registry.meta(name)
    found = call.cloud.registry.versions(name, limit=limit)
    call.answer({"versions": found}, versions_table(found) if found else "no version yet")


def show(call: Invocation, ref: VersionRef, number: VersionNumber = None) -> None:
    """Show one version: lineage, metrics, gates and releases."""
    model, number = split_version(ref, number)
    version = call.cloud.registry.version(model, number)
    releases = [r for r in call.cloud.registry.releases(model) if r.version == number]
    inputs = call.cloud.registry.inputs(model, version.number)
    shown = Group(
        lineage_tree(version, inputs),
        "",
        metrics_table(version),
        "",
        gates_table(version),
        "",
        releases_table(releases) if releases else "never released",
    )
    call.answer({"version": version, "inputs": inputs, "releases": releases}, shown)
