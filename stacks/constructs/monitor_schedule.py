"""MonitorSchedule: how often the monitor looks at a model."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.constructs.arns import function_arn, queue_arn
from stacks.constructs.grants import allow
from stacks.constructs.roles import service_role
from stacks.stage import WATCH, StageSettings
from tidegate.settings import Names


class MonitorSchedule(Construct):
    """A schedule that wakes the monitor, with its own role, retries and dead-letter queue."""

    def __init__(
        self, scope: Construct, id_: str, *, model: str, every_minutes: int, stage: StageSettings
    ) -> None:
        super().__init__(scope, id_)
        names = Names(stage.env)
        monitor = function_arn(self, names.function("monitor"))
        undelivered = queue_arn(self, names.undelivered)
        role = service_role(
            self, "Role", service="scheduler", description=f"Wakes the monitor for {model}"
        )
        allow(role, ["lambda:InvokeFunction"], on=[monitor])
        allow(role, ["sqs:SendMessage"], on=[undelivered])
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=f"{names.prefix}-{model}-monitor",
            group_name=names.schedules,
            description=f"Looks for drift of {model}",
            schedule_expression=_rate(every_minutes),
            state="ENABLED" if stage.at_least(WATCH) else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=_target(monitor, role=role, undelivered=undelivered, model=model),
        )


def _target(
    function: str, *, role: iam.Role, undelivered: str, model: str
) -> scheduler.CfnSchedule.TargetProperty:
    return scheduler.CfnSchedule.TargetProperty(
        arn=function,
        role_arn=role.role_arn,
        input=json.dumps({"model": model, "at": "<aws.scheduler.scheduled-time>"}),
        retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
            maximum_retry_attempts=3, maximum_event_age_in_seconds=900
        ),
        dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=undelivered),
    )


def _rate(minutes: int) -> str:
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"
