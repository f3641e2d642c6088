"""The group of the monitors' schedules: schedules themselves take no tags, their group does."""

from __future__ import annotations

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct


def schedule_group(scope: Construct, id_: str, *, name: str) -> scheduler.CfnScheduleGroup:
    """Create the group of one environment."""
    return scheduler.CfnScheduleGroup(scope, id_, name=name)
