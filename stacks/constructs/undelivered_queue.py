"""UndeliveredQueue: events that nobody could process, kept for a person to look at."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.findings import acknowledge
from tidegate.settings import Names

_LAST_STOP = "It is the dead-letter queue; an alarm rings when something lies in it."


class UndeliveredQueue(Construct):
    """The dead-letter queue of one environment."""

    def __init__(self, scope: Construct, id_: str, *, env: str) -> None:
        super().__init__(scope, id_)
        self.name = Names(env).undelivered
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=self.name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        self._let_rules_in(env)
        acknowledge(
            self.queue, {"AwsSolutions-SQS3": _LAST_STOP, "Serverless-SQSRedrivePolicy": _LAST_STOP}
        )

    def _let_rules_in(self, env: str) -> None:
        """Let rules of our bus put here what their targets refused."""
        rules = cdk.Stack.of(self).format_arn(
            service="events", resource="rule", resource_name=f"{Names(env).bus}/*"
        )
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rules}},
            )
        )
