"""Schedules: rates in scaled time, and sweeps every second instead of every ten.

`rate(60 minutes)` with a time scale of 0.001 fires every 3.6 seconds. `cron` and `at` name moments
of the real clock and are not scaled.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from . import seams

_EVENTS = "ministack.services.eventbridge"
_SCHEDULER = "ministack.services.scheduler"
_SWEEP_SECONDS = 1


def scale_rate(parse: Callable[[str], int | None], scale: float) -> Callable[[str], float | None]:
    """Wrap the emulator's reader of rate expressions so that its seconds are scaled.

    >>> scale_rate(lambda expression: 3600, 0.001)("rate(1 hour)")
    3.6
    """

    def parse_scaled(expr: str) -> float | None:
        seconds = parse(expr)
        return None if seconds is None else max(float(_SWEEP_SECONDS), seconds * scale)

    return parse_scaled


def fill(text: str, schedule_arn: str, moment: float) -> str:
    """Fill in the context attributes of EventBridge Scheduler in a target's input."""
    scheduled = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    attributes = {
        "schedule-arn": schedule_arn,
        "scheduled-time": scheduled,
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def install(time_scale: float) -> None:
    """Scale rates, sweep each second, and fill in what a schedule's input asks for."""
    events = seams.load(_EVENTS)
    invoke = events._invoke_target

    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        if event.get("Source") == "aws.scheduler" and target.get("Input"):
            arn = (event.get("Resources") or [""])[0]
            target = {**target, "Input": fill(target["Input"], arn, float(event["Time"]))}
        invoke(target, event, rule, view)

    seams.replace(_EVENTS, "_invoke_target", invoke_target)
    seams.replace(
        _EVENTS, "_parse_rate_seconds", scale_rate(events._parse_rate_seconds, time_scale)
    )
    seams.replace(_EVENTS, "_SCHEDULER_TICK_INTERVAL", _SWEEP_SECONDS)
    seams.replace(_SCHEDULER, "_SCHEDULE_TICK_INTERVAL", _SWEEP_SECONDS)
