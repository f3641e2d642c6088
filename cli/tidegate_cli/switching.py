"""The switch of an environment turned by hand, and on record in every model's log."""

from __future__ import annotations

from tidegate.clock import utc_now
from tidegate.governance.automation import Automation
from tidegate.registry.commits import Act
from tidegate_cli.cloud import Cloud
from tidegate_cli.identity import actor


def turn(cloud: Cloud, switch: Automation, *, why: str) -> None:
    """Turn the switch first, because it is what counts; then tell every model's log."""
    cloud.automation.turn(switch)
    kind = "AutomationResumed" if switch.is_on else "AutomationPaused"
    for model in cloud.registry.models():
        act = Act(utc_now(), actor(), why)
        cloud.registry.note(model, kind=kind, act=act, subject="automation")
