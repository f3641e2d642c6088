"""The executions' port: whether the workflow behind a recorded run or release still runs.

The registry can't know: a workflow that is aborted, or whose machine is deleted, records no end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

ExecutionStatus = Literal[
    "RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "MISSING"
]
_ALIVE = frozenset({"RUNNING", "PENDING_REDRIVE"})


@dataclass(frozen=True)
class Execution:
    """One execution as the cloud sees it; MISSING: never started, or forgotten since."""

    status: ExecutionStatus
    reason: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether it may still write to the registry."""
        return self.status in _ALIVE

    @property
    def ending(self) -> str:
        """How it ended, for an event's reason.

        >>> Execution("ABORTED", "stopped by hand").ending
        'its workflow has ABORTED: stopped by hand'
        """
        if self.status == "MISSING":
            return "its workflow does not exist"
        return f"its workflow has {self.status}{f': {self.reason}' if self.reason else ''}"


class Executions(Protocol):
    """The training and the release machine's executions, named after runs and releases."""

    def training(self, run: str) -> Execution:
        """Return the execution of a training run."""
        ...

    def release(self, release: str) -> Execution:
        """Return the execution of a release."""
        ...


def scaled(usual: timedelta, *, time_scale: float, least: timedelta) -> timedelta:
    """Return a grace where an hour lasts `time_scale` hours; machines are as slow as ever.

    >>> scaled(timedelta(hours=1), time_scale=0.01, least=timedelta(minutes=3)).total_seconds()
    180.0
    """
    return max(usual * time_scale, least)
