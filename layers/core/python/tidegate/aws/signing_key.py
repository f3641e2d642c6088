"""The signer's port over an asymmetric KMS key: the private half never leaves KMS.

KMS gets the SHA-256 of a statement, so anybody can check a signature without KMS as well: it is
plain ECDSA on P-256 over the statement's bytes (see docs/adr/0013).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from tidegate.errors import SignatureError
from tidegate.registry.signing import Signed

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

ALGORITHM: Final = "ECDSA_SHA_256"
MAX_SIGNATURE_BYTES = 72  # of a DER-encoded ECDSA signature on P-256
_UNUSABLE = {
    "NotFoundException": "does not exist; deploy the platform stack",
    "DisabledException": "is disabled; enable it in KMS",
    "KMSInvalidStateException": "can't be used: it is pending deletion or not ready",
    "InvalidKeyUsageException": "is no signing key",
    "UnsupportedOperationException": "is no signing key",
}
_REFUSED = "KMSInvalidSignatureException"


class SigningKey:
    """One environment's key; a client of another environment's session checks that one's."""

    def __init__(self, client: KMSClient, *, key_id: str) -> None:
        """Use the key of an alias (`Names.signing_key`), id or ARN."""
        self._client, self._key_id = client, key_id

    @property
    def key(self) -> str:
        """The alias, id or ARN that the key is addressed by."""
        return self._key_id

    def sign(self, statement: bytes) -> Signed:
        """Sign a statement; the answer names the key by its ARN, not by an alias that can move.

        Raises `SignatureError` when the key does not exist, is disabled or cannot sign.
        """
        try:
            answer = self._client.sign(
                KeyId=self._key_id,
                Message=_digest(statement),
                MessageType="DIGEST",
                SigningAlgorithm=ALGORITHM,
            )
        except ClientError as error:
            self._check_usable(error)
            raise
        return Signed(answer["KeyId"], ALGORITHM, base64.b64encode(answer["Signature"]).decode())

    def verify(self, statement: bytes, signed: Signed) -> None:
        """Raise `SignatureError` unless this key made `signed` over exactly these bytes.

        The key that a stored signature names is never used, only compared: who can store a
        signature could store the name of a key of their own beside it.
        """
        value = _decoded(signed)
        try:
            answer = self._client.verify(
                KeyId=self._key_id,
                Message=_digest(statement),
                MessageType="DIGEST",
                Signature=value,
                SigningAlgorithm=ALGORITHM,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == _REFUSED:
                raise self._refusal(signed) from None
            self._check_usable(error)
            raise
        if not answer["SignatureValid"]:
            raise self._refusal(signed)
        if answer["KeyId"] != signed.key:
            raise SignatureError(
                f"the signature says that {signed.key!r} made it, but {answer['KeyId']} did"
            )

    def _refusal(self, signed: Signed) -> SignatureError:
        return SignatureError(
            f"key {self._key_id} did not sign this: the signature is forged, was made for another"
            f" statement, or by another key (it names {signed.key!r})"
        )

    def _check_usable(self, error: ClientError) -> None:
        """Raise `SignatureError` when KMS says that there is something wrong with the key."""
        problem = _UNUSABLE.get(error.response["Error"]["Code"])
        if problem is not None:
            raise SignatureError(f"key {self._key_id} {problem}") from error


def _digest(statement: bytes) -> bytes:
    return hashlib.sha256(statement).digest()


def _decoded(signed: Signed) -> bytes:
    """Return the signature's bytes; what KMS would refuse as no request is no signature either."""
    if signed.algorithm != ALGORITHM:
        raise SignatureError(
            f"a signature by {ALGORITHM} is expected, not by {signed.algorithm[:60]!r}"
        )
    try:
        value = base64.b64decode(signed.value, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("the signature is not base64") from None
    if not 0 < len(value) <= MAX_SIGNATURE_BYTES:
        raise SignatureError(
            f"a signature of 1 to {MAX_SIGNATURE_BYTES} bytes is expected, not of {len(value)}"
        )
    return value
