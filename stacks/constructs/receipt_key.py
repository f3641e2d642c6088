"""ReceiptKey: the secret that signs receipts; generated here, resolved by CloudFormation."""

from __future__ import annotations

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.findings import acknowledge

_ACKNOWLEDGED = {
    "AwsSolutions-SMG4": "A rotation invalidates receipts in flight; see docs/adr/0008.",
    "NIST.800.53.R5-SecretsManagerRotationEnabled": "A rotation takes a release: docs/adr/0008.",
    "NIST.800.53.R5-SecretsManagerUsingKMSKey": "It guards feedback, not personal data.",
}


class ReceiptKey(Construct):
    """A generated secret of 64 letters and digits."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self._secret = secretsmanager.Secret(
            self,
            "Secret",
            description="Signs the receipts of predictions",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
        )
        acknowledge(self._secret, _ACKNOWLEDGED)

    @property
    def reference(self) -> str:
        """The dynamic reference that CloudFormation replaces; the template never holds the key."""
        return self._secret.secret_value.unsafe_unwrap()
