"""What the governor decides on, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tidegate.governance.automation import ON, Automation
from tidegate.registry.values import DriftReport, Event, Run

Action = Literal["retrain", "notify", "ignore"]


@dataclass(frozen=True)
class Finding:
    """An alarm that changed its state, with the report that the monitor wrote last.

    `run` is the id of a training that this finding starts, so a repeated finding knows its own.
    """

    model: str
    alarm: str
    state: str  # of the alarm: ALARM, OK or INSUFFICIENT_DATA
    at: datetime  # when the alarm changed its state
    run: str
    report: DriftReport | None = None


@dataclass(frozen=True)
class History:
    """What happened to the model before, newest first, and whether anything may be done."""

    events: tuple[Event, ...] = ()
    runs: tuple[Run, ...] = ()
    release: str = ""  # that is under way
    serving: str = ""  # release of the champion
    champion: int = 0  # its version
    automation: Automation = ON


@dataclass(frozen=True)
class Decision:
    """What is done about a finding, and why."""

    action: Action
    reason: str
