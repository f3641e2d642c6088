"""`tidegate registry`: what served when, and why; what versions differ in and were made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.clock import utc_now
from tidegate.registry.service import terms
from tidegate_cli import registry_questions as questions
from tidegate_cli.arguments import Model, VersionNumber, VersionRef, split_version
from tidegate_cli.faults import InputError
from tidegate_cli.invocation import Invocation, verb
from tidegate_cli.moment import parse_moment

AT = """
[bold]Examples[/]

[cyan]tidegate registry at flight-delay --time 2026-11-20T10:00Z[/]
[cyan]tidegate registry at flight-delay --time 2026-11-20[/]        the beginning of that day, UTC
[cyan]tidegate registry at flight-delay --time "2h ago" --json[/]
"""
WHY = """
[bold]Examples[/]

[cyan]tidegate registry why flight-delay@3[/]
[cyan]tidegate registry why flight-delay@3 --json | jq .decisions[/]
"""
HISTORY = """
[bold]Examples[/]

[cyan]tidegate registry history flight-delay[/]              champions, newest first
[cyan]tidegate registry history flight-delay --events[/]     everything that happened
"""
DIFF = """
[bold]Examples[/]

[cyan]tidegate registry diff flight-delay 2 3[/]
[cyan]tidegate registry diff flight-delay@2 flight-delay@3 --code[/]     with the lines of code
"""
LINEAGE = """
[bold]Examples[/]

[cyan]tidegate registry lineage flight-delay@3[/]
[cyan]tidegate registry lineage flight-delay@3 --svg lineage.svg[/]
"""
MADE_FROM = """
[bold]Examples[/]

[cyan]tidegate registry made-from january.csv[/]                           a file on this machine
[cyan]tidegate registry made-from data/flight-delay/2013-01-01.csv.gz[/]   a key of the bucket
[cyan]tidegate registry made-from SHA256[/]                                64 hex digits
"""
group = typer.Typer(no_args_is_help=True, help="What served when, why, and made from what.")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    verb(group, "at", epilog=AT)(at)
    verb(group, "why", epilog=WHY)(why)
    verb(group, "history", epilog=HISTORY)(history)
    verb(group, "diff", epilog=DIFF)(diff)
    verb(group, "lineage", epilog=LINEAGE)(lineage)
    verb(group, "made-from", epilog=MADE_FROM)(made_from)
    app.add_typer(group, name="registry", rich_help_panel="Look")


def at(
    call: Invocation,
    name: Model,
    time: Annotated[
        str,
        typer.Option(
            "--time",
            "-t",
            metavar="TIME",
            help="With its zone, e.g. 2026-11-20T10:00Z; a day (UTC); an age, e.g. 2h ago.",
        ),
    ] = "now",
) -> None:
    """Tell what served at a moment, since when, and who brought it about."""
    from tidegate_cli.registry_views.serving import served_view

    then = questions.served_at(call.cloud.registry, name, parse_moment(time, now=utc_now()))
    call.answer(then, served_view(then))


def why(call: Invocation, ref: VersionRef, number: VersionNumber = None) -> None:
    """Tell a version's story: who trained it from what, its gates, releases, service and end."""
    from tidegate.registry.story import story_of
    from tidegate_cli.registry_views.story import story_view

    story = story_of(questions.records(call.cloud.registry, *split_version(ref, number)))
    call.answer(story, story_view(story))


def history(
    call: Invocation,
    name: Model,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most.")] = 20,
    events: Annotated[bool, typer.Option("--events", help="The log instead of reigns.")] = False,
) -> None:
    """List a model's champions, newest first: from when to when, who, and why."""
    from tidegate_cli.registry_views.serving import history_table, log_table

    registry = call.cloud.registry
    registry.meta(name)
    if events:
        log = registry.newest_events(name, limit)
        call.answer({"events": log}, log_table(log))
        return
    found = terms(registry.history(name, limit))
    shown = history_table(found, now=utc_now()) if found else "no champion yet"
    call.answer({"reigns": found}, shown)


def diff(
    call: Invocation,
    first: Annotated[str, typer.Argument(metavar="NAME|NAME@VERSION", help="The model.")],
    second: Annotated[str, typer.Argument(metavar="VERSION", help="The older version.")],
    third: Annotated[str, typer.Argument(metavar="[VERSION]", help="The newer version.")] = "",
    code: Annotated[bool, typer.Option("--code", help="Show the lines of code too.")] = False,
) -> None:
    """Show two versions side by side: data, code, parameters, environment, contract, metrics."""
    # The table of metrics brings numpy, which most commands do without.
    from tidegate.registry.difference import difference
    from tidegate.stats.metrics import METRICS
    from tidegate_cli.code_difference import code_difference
    from tidegate_cli.registry_views.difference import difference_view

    model, old, new = _pair(first, second, third)
    cloud = call.cloud
    sides = [questions.side(cloud.catalog, model, number) for number in (old, new)]
    directions = {metric.name: metric.higher_is_better for metric in METRICS.values()}
    found = difference(*sides, higher_is_better=directions)
    digests = [side.version.lineage.code_digest for side in sides]
    lines = code_difference(cloud.artifacts, model, *digests)
    answered = lines if code or lines is None else lines.folded()
    shown = difference_view(found, lines, lines=code)
    call.answer({"difference": found, "code": answered}, shown)


def lineage(
    call: Invocation,
    ref: VersionRef,
    number: VersionNumber = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write it as a picture too.")
    ] = None,
) -> None:
    """Show what made a version: data files, code, parameters, environment, and its parents."""
    from tidegate_cli.registry_views.lineage import lineage_tree

    registry = call.cloud.registry
    version = registry.version(*split_version(ref, number))
    inputs = registry.inputs(version.model, version.number)
    parents = questions.parents(registry, version)
    if svg is not None:
        from tidegate_cli.report.lineage_svg import lineage_svg

        _write(svg, lineage_svg(version, inputs))
    answer = {"version": version, "inputs": inputs, "parents": parents, "svg": svg}
    call.answer(answer, lineage_tree(version, inputs, parents))


def made_from(
    call: Invocation,
    what: Annotated[
        str, typer.Argument(metavar="FILE|KEY|SHA256", help="What was trained on, or part of it.")
    ],
) -> None:
    """Tell which versions of which models were made from a file, and which of them serve now."""
    from tidegate_cli.registry_views.lineage import uses_tree
    from tidegate_cli.sources import source_of

    source = source_of(what)
    registry = call.cloud.registry
    uses = (
        questions.uses_of_key(registry, source.model, source.key)
        if source.key
        else questions.uses_of(registry, source.digests)
    )
    shown = uses_tree(source.name, uses) if uses else f"no version was made from it{source.hint}"
    call.answer({"digests": source.digests, "key": source.key, "uses": uses}, shown)


def _pair(first: str, second: str, third: str) -> tuple[str, int, int]:
    """Return model, old and new of `NAME 2 3` or `NAME@2 NAME@3`."""
    wanted = "expected NAME 2 3 or NAME@2 NAME@3"
    refs = (f"{first}@{second}", f"{first}@{third}") if third else (first, second)
    (model, old), (other, new) = (split_version(ref) for ref in refs)
    if "@" in model or "@" in other:
        raise InputError(f"{first!r} {second!r} {third!r}: {wanted}")
    if model != other:
        raise InputError(f"{first!r} and {second!r} are of two models; {wanted}")
    return model, old, new


def _write(file: Path, svg: str) -> None:
    try:
        file.write_text(svg, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"{file}: can't be written: {error.strerror}") from error
