"""BatchAccess: what batch jobs may read and write: their prefix, and the buckets of the list."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.constructs.arns import execution_arn, machine_arn
from stacks.constructs.artifacts_bucket import ArtifactsBucket
from stacks.constructs.grants import allow
from stacks.stage import StageSettings
from tidegate.settings import BATCH_JOBS_PREFIX as JOBS_PREFIX
from tidegate.settings import BATCH_PREFIX as OWN_PREFIX

_LISTED = "cdk.json opens this bucket to batch jobs; orders name the objects."
_JOBS = "Every job has an id of its own, which is not known at deployment."
_UPLOAD = ("PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")


def grant_planning(role: iam.Role, *, files: ArtifactsBucket, stage: StageSettings) -> None:
    """Let a role list inputs, write the items of a job, and its manifest."""
    files.grant_list(role, OWN_PREFIX)
    files.grant_read(role, OWN_PREFIX, JOBS_PREFIX, "packages/")
    files.grant_write(role, OWN_PREFIX, JOBS_PREFIX)
    for bucket in _others(role, stage):
        allow(role, ["s3:ListBucket"], on=[bucket])
    _grant_others(role, stage)


def grant_scoring(role: iam.Role, *, files: ArtifactsBucket, stage: StageSettings) -> None:
    """Let a role read inputs and packages, and write outputs."""
    files.grant_read(role, OWN_PREFIX, "packages/")
    files.grant_write(role, OWN_PREFIX)
    _grant_others(role, stage)


def grant_map(role: iam.Role, *, files: ArtifactsBucket, machine: str) -> None:
    """Let a state machine start its own children, read their items and write their results."""
    actions = [f"s3:{action}" for action in _UPLOAD]
    allow(role, actions, on=[f"{files.arn}/{JOBS_PREFIX}*"], wildcard=_JOBS)
    allow(role, ["states:StartExecution"], on=[machine_arn(role, machine)])
    children = ["states:DescribeExecution", "states:StopExecution"]
    allow(role, children, on=[execution_arn(role, machine)], wildcard=_JOBS)


def _grant_others(role: iam.Role, stage: StageSettings) -> None:
    for bucket in _others(role, stage):
        on = [f"{bucket}/*"]
        allow(role, ["s3:GetObject", "s3:PutObject"], on=on, wildcard=_LISTED)


def _others(role: iam.Role, stage: StageSettings) -> list[str]:
    partition = cdk.Stack.of(role).partition
    return [f"arn:{partition}:s3:::{name}" for name in stage.batch_buckets]
