"""ArtifactsBucket: data, code, packages, holdouts, reports; opened by prefix."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.findings import acknowledge
from stacks.stage import StageSettings
from tidegate.settings import Names

_ACKNOWLEDGED = {
    "AwsSolutions-S1": "Who read what is in CloudTrail data events, which the account switches on.",
    "NIST.800.53.R5-S3BucketLoggingEnabled": "CloudTrail data events are the account's.",
    "NIST.800.53.R5-S3BucketReplicationEnabled": "One region; versioning guards overwriting.",
    "NIST.800.53.R5-S3DefaultEncryptionKMS": "SSE-S3: a KMS key would cost a call per object read.",
}
_NAMED_BY_CONTENT = "Keys under {} hold digests and run ids, which are not known at deployment."


class ArtifactsBucket(Construct):
    """The environment's bucket and the statements that open its prefixes."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        stack = cdk.Stack.of(self)
        self.name = Names(stage.env).artifacts_bucket(stack.account, stack.region)
        self.arn = f"arn:{stack.partition}:s3:::{self.name}"
        keep = cdk.RemovalPolicy.RETAIN if stage.protect else cdk.RemovalPolicy.DESTROY
        bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=self.name,
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[_expiry("runs", stage), _expiry("batch-jobs", stage)],
            removal_policy=keep,
        )
        acknowledge(bucket, _ACKNOWLEDGED)

    def grant_list(self, role: iam.Role, *prefixes: str) -> None:
        """Let a role list what lies under the prefixes (`data/`)."""
        listed: dict[str, str | list[str]] = {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}
        allow(role, ["s3:ListBucket"], on=[self.arn], when={"StringLike": listed})

    def grant_read(self, role: iam.Role, *prefixes: str) -> None:
        """Let a role read the objects under the prefixes."""
        self._grant_objects(role, ["s3:GetObject"], prefixes)

    def grant_read_versions(self, role: iam.Role, *prefixes: str) -> None:
        """Let a role read the objects under the prefixes, earlier versions as well."""
        self._grant_objects(role, ["s3:GetObject", "s3:GetObjectVersion"], prefixes)

    def grant_write(self, role: iam.Role, *prefixes: str) -> None:
        """Let a role store objects under the prefixes; never delete them."""
        self._grant_objects(role, ["s3:PutObject"], prefixes)

    def grant_remove_versions(self, role: iam.Role, *prefixes: str) -> None:
        """Let a role list object versions under the prefixes and remove a version that it names."""
        listed: dict[str, str | list[str]] = {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}
        allow(role, ["s3:ListBucketVersions"], on=[self.arn], when={"StringLike": listed})
        self._grant_objects(role, ["s3:DeleteObjectVersion"], prefixes)

    def _grant_objects(self, role: iam.Role, actions: list[str], prefixes: tuple[str, ...]) -> None:
        for prefix in prefixes:
            reason = _NAMED_BY_CONTENT.format(prefix)
            allow(role, actions, on=[f"{self.arn}/{prefix}*"], wildcard=reason)


def _expiry(what: str, stage: StageSettings) -> s3.LifecycleRule:
    """Let intermediate files of runs and jobs expire; data, code and packages are lineage."""
    days = cdk.Duration.days(stage.retention_days)
    return s3.LifecycleRule(
        id=f"{what}-expire",
        prefix=f"{what}/",
        expiration=days,
        noncurrent_version_expiration=days,
        abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
    )
