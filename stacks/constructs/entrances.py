"""Entrances: who outside of a stack may call one of its functions."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.constructs.arns import log_group_arn
from stacks.constructs.front_door import route_arn
from stacks.constructs.python_function import PythonFunction
from tidegate.settings import Names


def let_api_in(to: PythonFunction, *, api_id: str) -> None:
    """Let the feedback routes of all models call a function."""
    to.function.add_permission(
        "FeedbackRoutes",
        principal=iam.ServicePrincipal("apigateway.amazonaws.com"),
        source_arn=route_arn(
            cdk.Stack.of(to), api_id=api_id, method="POST", path="/models/*/feedback"
        ),
    )


def let_endpoint_logs_in(to: PythonFunction, *, env: str) -> None:
    """Let the log subscriptions of all endpoints call a function."""
    names = Names(env)
    to.function.add_permission(
        "EndpointLogs",
        principal=iam.ServicePrincipal("logs.amazonaws.com"),
        source_account=cdk.Stack.of(to).account,
        source_arn=f"{log_group_arn(to, names.log_group(names.endpoint('*')))}:*",
    )
