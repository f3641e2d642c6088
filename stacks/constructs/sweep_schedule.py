"""SweepSchedule: how often what died is ended and what lies alone is removed."""

from __future__ import annotations

import math

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct, IDependable

from stacks.constructs.arns import function_arn, queue_arn
from stacks.constructs.grants import allow
from stacks.constructs.roles import service_role
from stacks.stage import StageSettings
from tidegate.settings import Names

_EVERY_MINUTES = 60
_LEAST_SECONDS = 15  # of real time between two sweeps, however short an hour is


class SweepSchedule(Construct):
    """One schedule for all models of the environment, with its own role and dead-letter queue.

    It is enabled at every maturity: what it does is upkeep, and takes no decision about a model.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings, sweep: str) -> None:
        super().__init__(scope, id_)
        names = Names(stage.env)
        function, undelivered = function_arn(self, sweep), queue_arn(self, names.undelivered)
        role = service_role(self, "Role", service="scheduler", description="Wakes the sweep")
        allow(role, ["lambda:InvokeFunction"], on=[function])
        allow(role, ["sqs:SendMessage"], on=[undelivered])
        self._schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=f"{names.prefix}-sweep",
            group_name=names.schedules,
            description="Ends what died, repairs aliases, removes orphans",
            schedule_expression=f"rate({every_minutes(stage)} minutes)",
            state="ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function,
                role_arn=role.role_arn,
                input="{}",
                # The next sweep does what this one did not.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=undelivered),
            ),
        )

    def begin_after(self, group: IDependable) -> None:
        """Create the schedule once its group exists."""
        self._schedule.node.add_dependency(group)


def every_minutes(stage: StageSettings) -> int:
    """Return the minutes between two sweeps, in the stage's own time."""
    return max(_EVERY_MINUTES, math.ceil(_LEAST_SECONDS / 60 / stage.time_scale))
