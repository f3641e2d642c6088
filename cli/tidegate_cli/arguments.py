"""Arguments that several commands take, with their completion and their parsing."""

from __future__ import annotations

from typing import Annotated

import typer

from tidegate.project import Param
from tidegate_cli import completion
from tidegate_cli.faults import InputError

Model = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The model's name.", autocompletion=completion.models),
]
VersionRef = Annotated[
    str,
    typer.Argument(
        metavar="NAME@VERSION",
        help="A model and its version, e.g. [cyan]flight-delay@2[/].",
        autocompletion=completion.versions,
    ),
]
VersionNumber = Annotated[
    int | None, typer.Argument(metavar="[VERSION]", min=1, help="Instead of @VERSION.")
]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the event log.")]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or return at once.")
]


def split_version(text: str, number: int | None = None) -> tuple[str, int]:
    """Return model and number of `NAME@VERSION` or `NAME VERSION`; raise `InputError` on others.

    >>> split_version("flight-delay@2"), split_version("flight-delay", 2)
    (('flight-delay', 2), ('flight-delay', 2))
    """
    if number is not None and "@" not in text:
        return text, number
    model, at, tail = text.rpartition("@")
    digits = tail.removeprefix("v")
    if number is not None or not at or not model or not digits.isascii() or not digits.isdigit():
        raise InputError(f"{text!r}: expected NAME@VERSION, e.g. flight-delay@2")
    return model, int(digits)


def parse_params(pairs: list[str]) -> dict[str, Param]:
    """Return parameters of `key=value`, as booleans, numbers or text.

    >>> parse_params(["depth=3", "rate=0.1", "fast=true", "name=x"])
    {'depth': 3, 'rate': 0.1, 'fast': True, 'name': 'x'}
    """
    found: dict[str, Param] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--param {pair}: expected KEY=VALUE")
        found[key.strip()] = _value(value)
    return found


def _value(text: str) -> Param:
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
