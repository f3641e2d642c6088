"""`tidegate batch`: one version over many objects, with a manifest of digests at the end."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from tidegate.batch.values import NO_BOUND, Manifest, Order
from tidegate.clock import utc_now
from tidegate_cli import batch
from tidegate_cli.arguments import Model, Reason, Wait
from tidegate_cli.batch import Look, Watcher
from tidegate_cli.faults import FAILED
from tidegate_cli.identity import actor
from tidegate_cli.invocation import Invocation, verb

EPILOG = """
[bold]Examples[/]

[cyan]tidegate batch flight-delay s3://lake/flights/ --out s3://lake/scored/[/]
[cyan]tidegate batch flight-delay flights/in --out flights/out --keep id --format parquet[/]
[cyan]tidegate batch status flight-delay-20261124T100000-ab12[/]
"""
SHOWN = 10  # failures that are listed

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="s3:// address of one object, or of a prefix as S3 has them (end it in / to mean a "
        "folder); without s3://, below batch/ in the environment's own bucket.",
    ),
]
Out = Annotated[str, typer.Option("--out", help="s3:// address of the outputs' prefix.")]
Version = Annotated[
    int, typer.Option("--version", min=0, show_default=False, help="Instead of the champion.")
]
Form = Annotated[
    Literal["csv", "jsonl", "parquet"] | None,
    typer.Option("--format", help="Of the outputs. [dim]Default: that of each input.[/]"),
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="COLUMN", help="Copy a column of the input (repeatable)."),
]
MaxBadRows = Annotated[
    int | None,
    typer.Option(min=0, help="More rows than this that break the contract fail an object."),
]
Tolerate = Annotated[
    int, typer.Option(min=0, max=100, metavar="PERCENT", help="Objects that may fail.")
]
Concurrency = Annotated[
    int | None, typer.Option(min=1, max=1000, help="Objects that are scored at a time.")
]
Resume = Annotated[
    bool, typer.Option("--resume/--no-resume", help="Leave alone what was done before.")
]


class RunByDefault(TyperGroup):
    """`batch NAME ...` is `batch run NAME ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - private in Typer
        """Put the command's name before a model's."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    cls=RunByDefault, no_args_is_help=True, help="Score many rows that lie in S3.", epilog=EPILOG
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(group, "run", epilog=EPILOG)(run)
    verb(group, "status")(status)
    app.add_typer(group, name="batch", rich_help_panel="Use")


def run(
    call: Invocation,
    name: Model,
    source: Input,
    *,
    out: Out,
    version: Version = 0,
    form: Form = None,
    keep: Keep = None,
    max_bad_rows: MaxBadRows = None,
    tolerate: Tolerate = 0,
    concurrency: Concurrency = None,
    resume: Resume = True,
    wait: Wait = True,
    reason: Reason = "asked by hand",
) -> None:
    """Score every .csv, .jsonl and .parquet object under a prefix."""
    few = batch.LOCAL_CONCURRENCY if call.cloud.endpoint else batch.CONCURRENCY
    order = Order(
        job=batch.new_job(name, utc_now()),
        model=name,
        source=batch.address(call.cloud, source),
        out=batch.address(call.cloud, out),
        actor=actor(),
        reason=reason,
        version=version,
        format=form or "",
        keep=tuple(keep or ()),
        max_bad_rows=NO_BOUND if max_bad_rows is None else max_bad_rows,
        tolerated_percent=tolerate,
        concurrency=concurrency or few,
        resume=resume,
    )
    watcher = Watcher(call.cloud, batch.start(call.cloud, order), order)
    call.say(f"job [cyan]{order.job}[/]")
    if wait:
        _follow(call, watcher)
    else:
        call.answer({"job": order.job, "execution": watcher.arn}, f"started {order.job}")


def status(
    call: Invocation,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")] = False,
) -> None:
    """Say how far a job is."""
    watcher = batch.find(call.cloud, job)
    if wait:
        _follow(call, watcher)
        return
    look, manifest = watcher.look(), watcher.manifest()
    if manifest is not None:
        call.answer(_summary(manifest, look), *_shown(manifest))
    else:
        call.answer({"job": job, **asdict(look)}, _line(look))


def _follow(call: Invocation, watcher: Watcher) -> None:
    job = watcher.order.job
    try:
        with call.progress.status("planning") as shown:
            look = batch.follow(watcher, lambda seen: shown.update(_line(seen)))
    except KeyboardInterrupt:
        again = f"tidegate batch status {job}"
        call.say(f"\nit goes on without you; look again with: [cyan]{again}[/]")
        raise typer.Exit(130) from None
    manifest = watcher.manifest()
    if manifest is None:
        error = batch.cause(watcher)
        call.answer(
            {"job": job, "status": look.status, "error": error},
            f"[red]{look.status.lower()}[/] {job}\n{escape(error)}",
        )
        raise typer.Exit(FAILED)
    call.answer(_summary(manifest, look), *_shown(manifest))
    if manifest.status == "failed":
        raise typer.Exit(FAILED)


def _line(look: Look) -> str:
    failed = f", [red]{look.failed} failed[/]" if look.failed else ""
    bad = f", {look.bad_rows:,} bad" if look.bad_rows else ""
    objects = f"{look.done}/{look.objects} objects{failed}"
    return f"{look.status.lower()}: {objects}, {look.rows:,} rows{bad}"


def _summary(manifest: Manifest, look: Look) -> dict[str, Any]:
    failures = [{"object": part.input.key, "error": part.error} for part in manifest.failures]
    return {
        "job": manifest.job,
        "execution": look.status,
        "status": manifest.status,
        "model": manifest.model,
        "version": manifest.version,
        "package_digest": manifest.package_digest,
        "out": manifest.out,
        "totals": asdict(manifest.totals),
        "failures": failures,
    }


def _shown(manifest: Manifest) -> list[str | Table]:
    totals, color = manifest.totals, "red" if manifest.status == "failed" else "green"
    head = (
        f"[{color}]{manifest.status}[/] [bold]{manifest.model}@{manifest.version}[/]: "
        f"{totals.succeeded} of {totals.objects} objects ({totals.reused} done before), "
        f"{totals.rows:,} rows, {totals.bad_rows:,} of them bad"
    )
    shown: list[str | Table] = [head, f"[dim]{manifest.out.rstrip('/')}/manifest.json[/]"]
    if manifest.failures:
        table = Table("object", "error")
        for part in manifest.failures[:SHOWN]:
            table.add_row(escape(part.input.key), escape(part.error))
        shown.append(table)
    return shown
