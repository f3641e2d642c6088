"""AutomationSwitch: the parameter that lets the governor act, until somebody pauses it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.constructs.grants import allow
from tidegate.settings import AUTOMATION_ON, Names


class AutomationSwitch(Construct):
    """An SSM parameter that is `on` at first; people turn it, and no deployment turns it back."""

    def __init__(self, scope: Construct, id_: str, *, env: str) -> None:
        super().__init__(scope, id_)
        name = Names(env).automation_parameter
        self.arn = cdk.Stack.of(self).format_arn(
            service="ssm", resource="parameter", resource_name=name.removeprefix("/")
        )
        ssm.StringParameter(
            self,
            "Parameter",
            parameter_name=name,
            description="May the governor act? Turn it with: tidegate pause, tidegate resume",
            string_value=AUTOMATION_ON,
        )

    def grant_read(self, role: iam.Role) -> None:
        """Let a role read this parameter."""
        allow(role, ["ssm:GetParameter"], on=[self.arn])
