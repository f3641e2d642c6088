"""`tidegate promote`: a version of one environment becomes a version of another."""

from __future__ import annotations

from typing import Annotated

import typer

from tidegate.clock import utc_now
from tidegate.release.origin_history import Place
from tidegate.release.promotion import Promoted, Side, Wanted
from tidegate.release.promotion import promote as promote_version
from tidegate_cli import completion
from tidegate_cli.arguments import VersionNumber, VersionRef, split_version
from tidegate_cli.cloud import Cloud, connect
from tidegate_cli.identity import actor
from tidegate_cli.invocation import Invocation, verb

EPILOG = """
[bold]Examples[/]

[cyan]tidegate promote flight-delay@3 --from staging --to prod -m "two quiet weeks"[/]
[cyan]tidegate promote flight-delay@3 --from staging --to prod --from-profile stage --to-profile live[/]

It may be repeated: the same version of the origin is the same version of the target.
"""  # noqa: E501  # an example is one line
Origin = Annotated[
    str,
    typer.Option(
        "--from", metavar="ENV", help="Where it is.", autocompletion=completion.environments
    ),
]
Target = Annotated[
    str,
    typer.Option(
        "--to", metavar="ENV", help="Where it goes.", autocompletion=completion.environments
    ),
]
Why = Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the event log.")]
Override = Annotated[
    str,
    typer.Option(metavar="REASON", help="Also a candidate whose gates failed; the reason is kept."),
]
OriginProfile = Annotated[str, typer.Option(metavar="PROFILE", help="AWS profile for the origin.")]
TargetProfile = Annotated[str, typer.Option(metavar="PROFILE", help="AWS profile for the target.")]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    verb(app, "promote", epilog=EPILOG, rich_help_panel="Deliver")(promote)


def promote(
    call: Invocation,
    ref: VersionRef,
    number: VersionNumber = None,
    *,
    origin: Origin,
    to: Target,
    reason: Why = "",
    override: Override = "",
    from_profile: OriginProfile = "",
    to_profile: TargetProfile = "",
) -> None:
    """Copy a version, byte by byte, into another environment, and sign it there.

    It serves nothing yet: release it there.
    """
    model, number = split_version(ref, number)
    source = connect(call.root, origin, profile=from_profile)
    target = connect(call.root, to, profile=to_profile)
    call.say(f"[dim]checking[/] {model}@{number} of {side_of(source).place}")
    promoted = promote_version(
        Wanted(model, number, reason, override),
        side_of(source),
        side_of(target),
        at=utc_now(),
        actor=actor(),
    )
    call.answer(promoted, *_told(promoted, source, target, f"{model}@{number}"))


def side_of(cloud: Cloud) -> Side:
    """Return an environment as a promotion sees it."""
    settings = cloud.settings
    place = Place(settings.env, settings.account, settings.region)
    return Side(place, cloud.registry, cloud.artifacts, cloud.signer)


def _told(promoted: Promoted, source: Cloud, target: Cloud, name: str) -> list[str]:
    version = promoted.version
    there = f"{version.model}@{version.number}"
    was = "is" if promoted.is_new else "was promoted before: it is"
    told = [f"{name} of {source.env} {was} [green]{there}[/] of {target.env}, {version.status}"]
    if promoted.twins:
        numbers = ", ".join(f"{version.model}@{number}" for number in promoted.twins)
        told.append(f"[dim]{target.env} has the same package already:[/] {numbers}")
    if promoted.code_pushed:
        told.append(
            f"[dim]{target.env} had no code of {version.model}; it has this version's now[/]"
        )
    if version.files:
        uri = source.artifacts.uri("")
        told.append(f"[dim]its {version.files} data files are rows; their objects stay in {uri}[/]")
    if version.status == "candidate":
        told.append(
            f"its gates failed: tidegate approve {there} --override REASON --env {target.env}"
        )
    else:
        told.append(f"[dim]next:[/] tidegate release {there} --env {target.env}")
    return told
