"""`tidegate release`, `rollback`, `approve`: versions towards traffic, and away from it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group

from tidegate.clock import utc_now
from tidegate.errors import NotFoundError
from tidegate.governance.workflows import ReleaseOrder
from tidegate.registry.values import Release
from tidegate_cli import workflows
from tidegate_cli.arguments import Model, Reason, VersionNumber, VersionRef, Wait, split_version
from tidegate_cli.faults import FAILED, InputError
from tidegate_cli.identity import actor
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.tables import releases_table, verdicts_table
from tidegate_cli.watching import watch

RELEASE = """
[bold]Examples[/]

[cyan]tidegate release flight-delay@2[/]
[cyan]tidegate release flight-delay@3 --override "holdout has a known hole" [/]
"""
ROLLBACK = """
[bold]Examples[/]

[cyan]tidegate rollback flight-delay -m "wrong answers in Newark"[/]           to the last champion
[cyan]tidegate rollback flight-delay --to 1 -m "wrong answers in Newark"[/]
"""
Override = Annotated[
    str,
    typer.Option(metavar="REASON", help="Release although the gates failed; the reason is kept."),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(app, "approve", rich_help_panel="Deliver")(approve)
    verb(app, "release", epilog=RELEASE, rich_help_panel="Deliver")(release)
    verb(app, "rollback", epilog=ROLLBACK, rich_help_panel="Deliver")(rollback)


def approve(
    call: Invocation, ref: VersionRef, number: VersionNumber = None, override: Override = ""
) -> None:
    """Let a candidate be released."""
    model, number = split_version(ref, number)
    version = call.cloud.registry.approve(
        model, number=number, at=utc_now(), actor=actor(), override=override
    )
    call.answer(version, f"{model}@{number} is {version.status}")


def release(
    call: Invocation,
    ref: VersionRef,
    number: VersionNumber = None,
    *,
    override: Override = "",
    wait: Wait = True,
    reason: Annotated[
        str, typer.Option("--reason", "-m", help="Why; kept in the event log.")
    ] = "asked by hand",
) -> None:
    """Bring a version to 100 % through the judged canary."""
    model, number = split_version(ref, number)
    version = call.cloud.registry.version(model, number)
    if override and version.status == "candidate":
        call.cloud.registry.approve(
            model, number=number, at=utc_now(), actor=actor(), override=override
        )
    order = ReleaseOrder(
        model=model,
        version=number,
        release=workflows.new_release(model, number, utc_now()),
        actor=actor(),
        reason=override or reason,
    )
    arn = workflows.release(call.cloud, order)
    call.say(f"release [cyan]{order.release}[/]")
    if not wait:
        answer = {"release": order.release, "execution": arn}
        call.answer(answer, f"started {order.release}")
        return
    outcome = watch(call, arn, again=f"tidegate status {model}")
    _report(call, order, outcome)


def rollback(
    call: Invocation,
    name: Model,
    reason: Reason,
    to: Annotated[
        int, typer.Option(min=0, help="Version number. [dim]Default: the champion before.[/]")
    ] = 0,
) -> None:
    """Make a former champion serve everything again, at once; a release under way is stopped."""
    version = to or _champion_before(call, name)
    served_by = workflows.roll_back(call.cloud, name, version=version, reason=reason)
    call.answer(
        {"model": name, "champion": version, "release": served_by},
        f"[green]{name}@{version}[/] serves everything again",
    )


def _report(call: Invocation, order: ReleaseOrder, outcome: workflows.Outcome) -> None:
    try:
        found: Release | None = call.cloud.registry.release(order.model, order.release)
    except NotFoundError:  # refused before it began
        found = None
    if found is None:
        error = f"{outcome.error}: {outcome.cause}".strip(": ")
        call.answer({"release": order.release, "error": error}, f"[red]refused[/] {error}")
        raise typer.Exit(FAILED)
    call.answer(found, Group(verdicts_table(found), "", releases_table([found])))
    if found.state != "promoted":
        raise typer.Exit(FAILED)


def _champion_before(call: Invocation, model: str) -> int:
    champion = call.cloud.registry.champion(model)
    now = champion.number if champion else 0
    for past in call.cloud.registry.releases(model):
        if past.state == "promoted" and past.version != now:
            return past.version
    raise InputError(f"model {model!r} had no other champion", hint="name one with --to VERSION")
