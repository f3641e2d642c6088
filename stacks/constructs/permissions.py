"""Permissions on functions and machines: what may invoke, start, publish, train."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.constructs.arns import execution_arn, function_arn, machine_arn
from stacks.constructs.grants import allow
from tidegate.settings import Names

_SYNC_RULE = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"  # Step Functions names it so
_MODELS = "Models come and go without the control plane being deployed again."
_VERSIONS = "Lambda numbers the versions that a release publishes."
_DIGESTS = "Objects are named by digests, which are not known at deployment."
_RUNS = "An execution is named after its run or release."
_JOBS = "Each attempt of a training has a job name of its own."


def grant_release(role: iam.Role, *, env: str) -> None:
    """Let a role publish versions of endpoints, call them and move their alias."""
    endpoint = function_arn(role, Names(env).endpoint("*"))
    on_function = ("GetFunctionConfiguration", "UpdateFunctionConfiguration", "UpdateFunctionCode")
    on_alias = ("GetAlias", "UpdateAlias", "PublishVersion")
    actions = [f"lambda:{action}" for action in (*on_function, *on_alias)]
    allow(role, actions, on=[endpoint], wildcard=_MODELS)
    on_version = ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"]
    allow(role, on_version, on=[f"{endpoint}:*"], wildcard=_VERSIONS)


def grant_models(role: iam.Role, *, env: str, model: str) -> None:
    """Let a role read one model's objects that are too large for their package."""
    stack = cdk.Stack.of(role)
    bucket = Names(env).artifacts_bucket(stack.account, stack.region)
    models = f"arn:{stack.partition}:s3:::{bucket}/packages/{model}/*.onnx"
    allow(role, ["s3:GetObject"], on=[models], wildcard=_DIGESTS)


def grant_alias(role: iam.Role, *, env: str) -> None:
    """Let a role read and move the aliases of endpoints, and nothing else of them."""
    endpoint = function_arn(role, Names(env).endpoint("*"))
    allow(role, ["lambda:GetAlias", "lambda:UpdateAlias"], on=[endpoint], wildcard=_MODELS)


def grant_look(role: iam.Role, *, env: str) -> None:
    """Let a role ask how executions of the training and the release machine fare."""
    names = Names(env)
    machines = (names.train_machine, names.release_machine)
    executions = [execution_arn(role, machine) for machine in machines]
    allow(role, ["states:DescribeExecution"], on=executions, wildcard=_RUNS)


def grant_start(role: iam.Role, *, machine: str) -> None:
    """Let a role start one state machine."""
    allow(role, ["states:StartExecution"], on=[machine_arn(role, machine)])


def grant_training(role: iam.Role, *, env: str, training_role: str) -> None:
    """Let a state machine run training jobs under one role, and wait for them."""
    stack, prefix = cdk.Stack.of(role), Names(env).prefix
    jobs = stack.format_arn(
        service="sagemaker", resource="training-job", resource_name=f"{prefix}-*"
    )
    calls = ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "AddTags")
    allow(role, [f"sagemaker:{call}" for call in calls], on=[jobs], wildcard=_JOBS)
    to_sagemaker: dict[str, str | list[str]] = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    allow(role, ["iam:PassRole"], on=[training_role], when={"StringEquals": to_sagemaker})
    rule = stack.format_arn(service="events", resource="rule", resource_name=_SYNC_RULE)
    allow(role, ["events:PutTargets", "events:PutRule", "events:DescribeRule"], on=[rule])
