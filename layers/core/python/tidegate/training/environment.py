"""The environment lock: what was really installed, so that a version can be made again."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions

from tidegate.training.determinism import VARIABLES


def environment_lock(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return interpreter, platform, the process's fixed variables and every distribution."""
    installed = ((d.metadata["Name"], d.version) for d in distributions())
    fixed = {name: environ.get(name, "") for name in VARIABLES}
    python, machine = platform.python_version(), _machine()
    return lock_lines(installed, python=python, machine=machine, variables=fixed)


def lock_lines(
    installed: Iterable[tuple[str | None, str]],
    *,
    python: str,
    machine: str,
    variables: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the lock's lines; names are normalized as packaging does, duplicates fall together.

    >>> lock_lines([("Foo_Bar", "1.0"), (None, "2")], python="3.11.7", machine="linux-x86_64",
    ...            variables={"TZ": "UTC"})
    ('python==3.11.7', 'platform==linux-x86_64', 'TZ==UTC', 'foo-bar==1.0')
    """
    names = {f"{name.lower().replace('_', '-')}=={version}" for name, version in installed if name}
    fixed = (f"{name}=={value}" for name, value in sorted(variables.items()))
    return (f"python=={python}", f"platform=={machine}", *fixed, *sorted(names))


def _machine() -> str:
    return f"{platform.system().lower()}-{platform.machine()}"
