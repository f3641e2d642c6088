"""DriftRule: a drift alarm rings -> the governor is asked."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from stacks.constructs.python_function import Host, PythonFunction
from stacks.stage import ACT
from tidegate.settings import Names


class DriftRule(Construct):
    """The rule on the default bus, where CloudWatch announces changes of alarms."""

    def __init__(self, scope: Construct, id_: str, *, govern: PythonFunction, host: Host) -> None:
        super().__init__(scope, id_)
        alarms = Names(host.stage.env).drift_alarm("*")
        events.Rule(
            self,
            "Rule",
            description="Confirmed drift reaches the governor",
            enabled=host.stage.at_least(ACT),
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                detail={"alarmName": [{"wildcard": alarms}], "state": {"value": ["ALARM"]}},
            ),
            targets=[
                targets.LambdaFunction(
                    govern.function,
                    dead_letter_queue=host.undelivered,
                    retry_attempts=3,
                    max_event_age=cdk.Duration.hours(2),
                )
            ],
        )
