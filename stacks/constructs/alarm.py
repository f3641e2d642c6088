"""Alarms: one metric, one threshold; rung to the alert topic where the stage alerts people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.arns import topic_arn
from stacks.findings import acknowledge
from stacks.stage import ALERT, StageSettings
from tidegate.settings import Names

_SEEN = "Below maturity 3 alarms are seen on the dashboard, and nobody is called."
Missing = Literal["breaching", "notBreaching", "ignore"]


@dataclass(frozen=True)
class Watch:
    """What an alarm looks at; it rings when the statistic reaches the threshold."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Sum"
    threshold: float = 1
    below: bool = False  # ring below the threshold instead
    period_seconds: int = 300
    periods: int = 1
    missing: Missing = "notBreaching"


class Alarm(Construct):
    """An alarm on one metric."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        description: str,
        watch: Watch,
        stage: StageSettings,
    ) -> None:
        super().__init__(scope, id_)
        topic = topic_arn(self, Names(stage.env).alerts)
        alarm = cloudwatch.CfnAlarm(
            self,
            "Alarm",
            alarm_name=name,
            alarm_description=description,
            namespace=watch.namespace,
            metric_name=watch.metric,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
                for key, value in watch.dimensions.items()
            ],
            statistic=watch.statistic,
            comparison_operator=(
                "LessThanThreshold" if watch.below else "GreaterThanOrEqualToThreshold"
            ),
            threshold=watch.threshold,
            period=watch.period_seconds,
            evaluation_periods=watch.periods,
            datapoints_to_alarm=watch.periods,
            treat_missing_data=watch.missing,
            actions_enabled=stage.at_least(ALERT),
            alarm_actions=[topic],
        )
        if not stage.at_least(ALERT):
            acknowledge(alarm, {"NIST.800.53.R5-CloudWatchAlarmAction": _SEEN})
