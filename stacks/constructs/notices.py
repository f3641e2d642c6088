"""Notices: registry events that people want to hear of go to the alert topic."""

from __future__ import annotations

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.constructs.arns import queue_arn, topic_arn
from stacks.stage import ALERT, StageSettings
from tidegate.settings import EVENT_SOURCE, Names

KINDS = ("ReleaseRolledBack", "ReleaseFailed", "RunFailed", "GovernorDecided", "AliasRepaired")


class Notices(Construct):
    """One rule on our bus with the alert topic as its target."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        names = Names(stage.env)
        events.CfnRule(
            self,
            "Rule",
            description="Rollbacks, failures and decisions reach people",
            event_bus_name=names.bus,
            event_pattern={"source": [EVENT_SOURCE], "detail-type": list(KINDS)},
            state="ENABLED" if stage.at_least(ALERT) else "DISABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    arn=topic_arn(self, names.alerts),
                    id="Alerts",
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=queue_arn(self, names.undelivered)
                    ),
                )
            ],
        )
