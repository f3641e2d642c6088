"""TrainingRole: what a SageMaker training job may do: read its inputs, write its output, log."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.constructs.arns import log_group_arn
from stacks.constructs.artifacts_bucket import ArtifactsBucket
from stacks.constructs.grants import allow
from stacks.constructs.roles import service_role
from tidegate.settings import Names

_JOB_LOG = "SageMaker names the log stream of a job after the job."


class TrainingRole(Construct):
    """The role of all training jobs of one environment."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        env: str,
        artifacts: ArtifactsBucket,
        framework: assets.Asset,
    ) -> None:
        super().__init__(scope, id_)
        stack = cdk.Stack.of(self)
        name = Names(env).training_role
        self.arn = stack.format_arn(service="iam", region="", resource="role", resource_name=name)
        role = service_role(
            self, "Role", service="sagemaker", description="Runs training jobs", name=name
        )
        artifacts.grant_list(role, "code/", "runs/", "data/")
        artifacts.grant_read(role, "code/", "runs/", "data/")
        artifacts.grant_write(role, "runs/")
        bucket = f"arn:{stack.partition}:s3:::{framework.s3_bucket_name}"
        key = framework.s3_object_key
        allow(role, ["s3:GetObject"], on=[f"{bucket}/{key}"])
        allow(role, ["s3:ListBucket"], on=[bucket], when={"StringLike": {"s3:prefix": key}})
        log = log_group_arn(self, "/aws/sagemaker/TrainingJobs")
        actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        allow(role, ["logs:CreateLogGroup"], on=[log])
        allow(role, actions, on=[f"{log}:log-stream:{Names(env).prefix}-*"], wildcard=_JOB_LOG)
