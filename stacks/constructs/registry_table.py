"""RegistryTable: versions, pointers and events; written by conditional puts, never deleted from."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.findings import acknowledge
from stacks.stage import StageSettings
from tidegate.settings import Names

DIGEST_INDEX = "by-digest"


class RegistryTable(Construct):
    """The registry's table and the statements that open it."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        name = Names(stage.env).registry_table
        self.arn = cdk.Stack.of(self).format_arn(
            service="dynamodb", resource="table", resource_name=name
        )
        table = dynamodb.Table(
            self,
            "Table",
            table_name=name,
            partition_key=_text("PK"),
            sort_key=_text("SK"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=stage.protect,
            removal_policy=cdk.RemovalPolicy.RETAIN if stage.protect else cdk.RemovalPolicy.DESTROY,
        )
        table.add_global_secondary_index(index_name=DIGEST_INDEX, partition_key=_text("digest"))
        reason = "Point-in-time recovery covers 35 days; a backup plan is the account's to choose."
        acknowledge(table, {"NIST.800.53.R5-DynamoDBInBackupPlan": reason})

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read rows."""
        allow(role, ["dynamodb:GetItem", "dynamodb:Query"], on=[self.arn])

    def grant_find(self, role: iam.Role) -> None:
        """Let a role ask the index who was made from a digest."""
        allow(role, ["dynamodb:Query"], on=[f"{self.arn}/index/{DIGEST_INDEX}"])

    def grant_write(self, role: iam.Role) -> None:
        """Let a role read and commit: transactions of conditional puts, no update, no deletion."""
        self.grant_read(role)
        allow(role, ["dynamodb:PutItem"], on=[self.arn])


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
