"""The checkout: where it is, which environments it declares."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.settings import ENVIRONMENTS
from tidegate_cli.faults import InputError

MARK = "cdk.json"


@dataclass(frozen=True)
class Environment:
    """What cdk.json says of one environment; empty where the credentials decide."""

    name: str
    account: str
    region: str
    time_scale: float


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder at or above `start` that holds cdk.json, else this program's own.

    TIDEGATE_ROOT overrides both.
    """
    named = os.environ.get("TIDEGATE_ROOT")
    here = Path(named) if named else (start or Path.cwd())
    own = Path(__file__).resolve().parents[2]
    for folder in (here.resolve(), *here.resolve().parents, own):
        if (folder / MARK).is_file():
            return folder
    raise InputError(
        f"no {MARK} in {here} or above it", hint="go to the checkout, or set TIDEGATE_ROOT"
    )


def environment(root: Path, name: str) -> Environment:
    """Return one environment of cdk.json; raise `InputError` naming the file and the key."""
    declared = _environments(root)
    if name not in declared:
        known = ", ".join(declared) or "none"
        raise InputError(f"{root / MARK}: no environment {name!r}; there are: {known}")
    found = declared[name]
    return Environment(
        name=name,
        account=str(found.get("account") or ""),
        region=str(found.get("region") or ""),
        time_scale=float(found.get("time_scale", 1.0)),
    )


def environment_names(root: Path) -> tuple[str, ...]:
    """Return the environments that cdk.json declares, in Tidegate's order."""
    declared = _environments(root)
    return tuple(name for name in ENVIRONMENTS if name in declared)


def _environments(root: Path) -> dict[str, Any]:
    file = root / MARK
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: {error}") from error
    found = content.get("context", {}).get("environments")
    if not isinstance(found, dict):
        raise InputError(f"{file}: context.environments: expected an object of environments")
    return found
