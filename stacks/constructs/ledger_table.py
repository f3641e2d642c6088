"""LedgerTable: windows, labels and idempotency records, each with a time to live."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.findings import acknowledge
from stacks.stage import StageSettings
from tidegate.settings import Names


class LedgerTable(Construct):
    """The ledger's table and the statements that open it."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        name = Names(stage.env).ledger_table
        self.arn = cdk.Stack.of(self).format_arn(
            service="dynamodb", resource="table", resource_name=name
        )
        text = dynamodb.AttributeType.STRING
        table = dynamodb.Table(
            self,
            "Table",
            table_name=name,
            partition_key=dynamodb.Attribute(name="PK", type=text),
            sort_key=dynamodb.Attribute(name="SK", type=text),
            time_to_live_attribute="expires",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=stage.protect,
            removal_policy=cdk.RemovalPolicy.RETAIN if stage.protect else cdk.RemovalPolicy.DESTROY,
        )
        reason = "Counts and labels that expire by themselves; point-in-time recovery is enough."
        acknowledge(table, {"NIST.800.53.R5-DynamoDBInBackupPlan": reason})

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read windows and labels."""
        allow(role, ["dynamodb:Query"], on=[self.arn])

    def grant_windows(self, role: iam.Role) -> None:
        """Let a role add windows, and nothing but windows."""
        own = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["W#*"]}}
        allow(role, ["dynamodb:PutItem"], on=[self.arn], when=own)

    def grant_labels(self, role: iam.Role) -> None:
        """Let a role set labels, and nothing but labels."""
        own = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["L#*"]}}
        allow(role, ["dynamodb:UpdateItem"], on=[self.arn], when=own)

    def grant_idempotency(self, role: iam.Role, *, function: str) -> None:
        """Let a role keep the idempotency records of one function, and only those."""
        actions = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
        own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"I#{function}"]}}
        allow(role, [f"dynamodb:{action}" for action in actions], on=[self.arn], when=own)
