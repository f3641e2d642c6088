"""What both sides are asked to do, and what they answer: plain values, standard library only.

The peer's clients run in an environment of their own, so nothing of Tidegate is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

PHASES = ("register", "promote", "read")


@dataclass(frozen=True)
class Job:
    """So many clients, each doing `count` operations of every phase, one phase after the other.

    Client number i works on `models[i % len(models)]`: one name means one model for all.
    """

    url: str
    name: str
    clients: int
    count: int
    models: tuple[str, ...]


@dataclass(frozen=True)
class Phase:
    """What all clients did in one phase; `seconds` from the first's start to the last's end."""

    seconds: float
    done: int
    failed: int
    conflicts: int  # commits that another writer was faster at, and that were tried again
    waits: int  # for a release lock that another client held

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.done / self.seconds


class Client(Protocol):
    """One client of one side; `conflicts` and `waits` only grow."""

    @property
    def conflicts(self) -> int:
        """Count the commits that another writer was faster at."""
        ...

    @property
    def waits(self) -> int:
        """Count the waits for a release lock that another client held."""
        ...

    def register(self) -> None:
        """Register one version more."""
        ...

    def promote(self) -> None:
        """Make a version that this client registered the champion."""
        ...

    def read(self) -> None:
        """Ask for the champion."""
        ...
