"""The signer's port in memory: an HMAC under a secret that each fake key makes up for itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from tidegate.errors import SignatureError
from tidegate.registry.signing import Signed

ALGORITHM = "HMAC_SHA_256"


@dataclass
class FakeSigner:
    """Implements `Signer`; two of them never share a secret, whatever they are called."""

    key: str = "test-key"
    usable: bool = True
    signed: int = 0  # how often it signed
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def sign(self, statement: bytes) -> Signed:
        self._check_usable()
        self.signed += 1
        return Signed(self.key, ALGORITHM, base64.b64encode(self._mac(statement)).decode())

    def verify(self, statement: bytes, signed: Signed) -> None:
        self._check_usable()
        if signed.algorithm != ALGORITHM:
            raise SignatureError(f"a signature by {ALGORITHM} is expected, not {signed.algorithm}")
        try:
            value = base64.b64decode(signed.value, validate=True)
        except ValueError:
            raise SignatureError("the signature is not base64") from None
        if not hmac.compare_digest(value, self._mac(statement)):
            raise SignatureError(f"key {self.key} did not sign this (it names {signed.key!r})")
        if signed.key != self.key:
            raise SignatureError(f"the signature says that {signed.key!r} made it: {self.key} did")

    def _mac(self, statement: bytes) -> bytes:
        return hmac.digest(self._secret, statement, hashlib.sha256)

    def _check_usable(self) -> None:
        if not self.usable:
            raise SignatureError(f"key {self.key} is disabled")
