"""The environment lock: what was really installed, so that a version can be made again."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import distributions


def environment_lock() -> tuple[str, ...]:
    """Return interpreter, platform and every installed distribution, sorted, one per line."""
    installed = ((d.metadata["Name"], d.version) for d in distributions())
    return lock_lines(installed, python=platform.python_version(), machine=_machine())


def lock_lines(
    installed: Iterable[tuple[str | None, str]], *, python: str, machine: str
) -> tuple[str, ...]:
    """Return the lock's lines; names are normalized as packaging does, duplicates fall together.

    >>> lock_lines([("Foo_Bar", "1.0"), (None, "2")], python="3.11.7", machine="linux-x86_64")
    ('python==3.11.7', 'platform==linux-x86_64', 'foo-bar==1.0')
    """
    names = {f"{name.lower().replace('_', '-')}=={version}" for name, version in installed if name}
    return (f"python=={python}", f"platform=={machine}", *sorted(names))


def lock_digest(lines: Iterable[str]) -> str:
    """Return the SHA-256 (hex) of a lock."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _machine() -> str:
    return f"{platform.system().lower()}-{platform.machine()}"
