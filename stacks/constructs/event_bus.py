"""EventBus: everything that happened in the registry, for whoever wants to react."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.constructs.python_function import PythonFunction
from stacks.stage import StageSettings
from tidegate.settings import ANNOUNCEMENT_FAILED, EVENT_SOURCE, NAMESPACE, Names


class EventBus(Construct):
    """The environment's bus."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        self._env, self.name = stage.env, Names(stage.env).bus
        self.arn = cdk.Stack.of(self).format_arn(
            service="events", resource="event-bus", resource_name=self.name
        )
        events.EventBus(self, "Bus", event_bus_name=self.name)

    def grant_put(self, function: PythonFunction) -> None:
        """Let a function announce registry events, in our name only; count what fails."""
        source: dict[str, str | list[str]] = {"events:source": EVENT_SOURCE}
        allow(
            function.role,
            ["events:PutEvents"],
            on=[self.arn],
            when={"ForAllValues:StringEquals": source},
        )
        logs.CfnMetricFilter(
            function,
            "AnnouncementFailed",
            log_group_name=function.logs.log_group_name,
            filter_pattern=f'"{ANNOUNCEMENT_FAILED}"',
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=log_namespace(self._env),
                    metric_name=ANNOUNCEMENT_FAILED,
                    metric_value="1",
                )
            ],
        )


def log_namespace(env: str) -> str:
    """Return the namespace of what is counted in logs: such metrics have no dimension `Env`."""
    return f"{NAMESPACE}/{env}"
