"""EventBus: everything that happened in the registry, for whoever wants to react."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.stage import StageSettings
from tidegate.settings import EVENT_SOURCE, Names


class EventBus(Construct):
    """The environment's bus."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        self.name = Names(stage.env).bus
        self.arn = cdk.Stack.of(self).format_arn(
            service="events", resource="event-bus", resource_name=self.name
        )
        events.EventBus(self, "Bus", event_bus_name=self.name)

    def grant_put(self, role: iam.Role) -> None:
        """Let a role announce registry events, in our name only."""
        source: dict[str, str | list[str]] = {"events:source": EVENT_SOURCE}
        allow(role, ["events:PutEvents"], on=[self.arn], when={"ForAllValues:StringEquals": source})
