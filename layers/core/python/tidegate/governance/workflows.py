"""The workflows port: start a training or a release, at most once per id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tidegate.project import Param


@dataclass(frozen=True)
class TrainingOrder:
    """A training to be started; `run` is its execution's name."""

    model: str
    run: str
    actor: str
    reason: str
    params: Mapping[str, Param] = field(default_factory=dict)
    data_until: str = ""  # only data files up to this date; empty: all
    release: Literal["auto", "none"] = "auto"

    def to_input(self) -> dict[str, object]:
        """Return the state machine's input."""
        return {
            "model": self.model,
            "run": self.run,
            "params": dict(self.params),
            "actor": self.actor,
            "reason": self.reason,
            "data_until": self.data_until,
            "release": self.release,
        }


@dataclass(frozen=True)
class ReleaseOrder:
    """A release to be started; `release` is its id and its execution's name."""

    model: str
    version: int
    release: str
    actor: str
    reason: str

    def to_input(self) -> dict[str, object]:
        """Return the state machine's input."""
        return {
            "model": self.model,
            "version": self.version,
            "release": self.release,
            "actor": self.actor,
            "reason": self.reason,
        }


class Workflows(Protocol):
    """What can be started; starting the same id again changes nothing and returns the same."""

    def start_training(self, order: TrainingOrder) -> str:
        """Start a training; return the ARN of its execution."""
        ...

    def start_release(self, order: ReleaseOrder) -> str:
        """Start a release; return the ARN of its execution."""
        ...
