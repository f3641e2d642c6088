"""ARNs derived from names: stacks that know a name need no export to refer to what bears it."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct


def function_arn(scope: IConstruct, name: str) -> str:
    """Return the ARN of a Lambda function of this account and region."""
    return _arn(scope, "lambda", "function", name)


def machine_arn(scope: IConstruct, name: str) -> str:
    """Return the ARN of a state machine."""
    return _arn(scope, "states", "stateMachine", name)


def execution_arn(scope: IConstruct, machine: str) -> str:
    """Return the ARN pattern of all executions of a state machine."""
    return _arn(scope, "states", "execution", f"{machine}:*")


def topic_arn(scope: IConstruct, name: str) -> str:
    """Return the ARN of a topic."""
    return cdk.Stack.of(scope).format_arn(service="sns", resource=name)


def queue_arn(scope: IConstruct, name: str) -> str:
    """Return the ARN of a queue."""
    return cdk.Stack.of(scope).format_arn(service="sqs", resource=name)


def log_group_arn(scope: IConstruct, name: str) -> str:
    """Return the ARN of a log group, without the `:*` that stands for its streams."""
    return _arn(scope, "logs", "log-group", name)


def _arn(scope: IConstruct, service: str, resource: str, name: str) -> str:
    return cdk.Stack.of(scope).format_arn(
        service=service,
        resource=resource,
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
