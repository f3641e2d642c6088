"""AlertTopic: where alarms and events reach people; encrypted, over TLS only."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.findings import acknowledge
from stacks.stage import StageSettings
from tidegate.settings import Names

_MAIL = "SNS repeats a mail for hours; what it tells is in the alarm or the registry too."
# EventBridge sends no `aws:Source...` with its calls of SNS and KMS: a condition drops every event.
SENDERS: dict[str, dict[str, dict[str, str]]] = {
    "cloudwatch": {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
    "events": {},
}


class AlertTopic(Construct):
    """The environment's alert topic with its key and its subscribers."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        stack, name = cdk.Stack.of(self), Names(stage.env).alerts
        self.arn = stack.format_arn(service="sns", resource=name)
        # Alarms can't publish to a topic under the AWS-managed key: its policy can't be changed.
        key = kms.Key(
            self,
            "Key",
            description=f"Encrypts {name}",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        topic = sns.Topic(self, "Topic", topic_name=name, master_key=key, enforce_ssl=True)
        for sender in SENDERS:
            key.add_to_resource_policy(_may(sender, ["kms:Decrypt", "kms:GenerateDataKey"], "*"))
            topic.add_to_resource_policy(_may(sender, ["sns:Publish"], topic.topic_arn))
        for address in stage.alert_emails:
            subscription = topic.add_subscription(subscriptions.EmailSubscription(address))
            acknowledge(subscription, {"Serverless-SNSRedrivePolicy": _MAIL})


def _may(sender: str, actions: list[str], resource: str) -> iam.PolicyStatement:
    """Let a service act. In a key's policy the resource `*` means that very key."""
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"{sender}.amazonaws.com")],
        actions=actions,
        resources=[resource],
        conditions=SENDERS[sender],
    )
