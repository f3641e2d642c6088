"""SigningKey: the asymmetric KMS key that signs versions; its private half never leaves KMS.

An asymmetric key has no automatic rotation. docs/adr/0013 says how one is replaced.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.grants import allow
from stacks.stage import StageSettings
from tidegate.settings import Names

_ENDINGS = ("kms:ScheduleKeyDeletion", "kms:DisableKey")


class SigningKey(Construct):
    """The environment's key under its alias, and the statements that open it.

    A right on an alias opens nothing in KMS, so the statements name the key itself.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        keep = cdk.RemovalPolicy.RETAIN if stage.protect else cdk.RemovalPolicy.DESTROY
        self._key = kms.Key(
            self,
            "Key",
            description=f"Signs the model versions of {stage.env}",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=keep,
        )
        alias = kms.Alias(
            self, "Alias", alias_name=Names(stage.env).signing_key, target_key=self._key
        )
        alias.apply_removal_policy(keep)
        if stage.protect:
            self._key.add_to_resource_policy(_never(_ENDINGS))

    def grant_sign(self, role: iam.Role) -> None:
        """Let a role make signatures."""
        allow(role, ["kms:Sign"], on=[self._key.key_arn])

    def grant_verify(self, role: iam.Role) -> None:
        """Let a role check signatures."""
        allow(role, ["kms:Verify"], on=[self._key.key_arn])


def _never(actions: tuple[str, ...]) -> iam.PolicyStatement:
    """Refuse actions to everybody, until an administrator changes the key's policy first."""
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=list(actions),
        resources=["*"],  # in a key's policy: that very key
    )
