"""Signing: what a version's signature says, and who can make and check one.

statement_of(version) -> to_bytes -> Signer.sign, stored once -> statement_of(version) -> verify

The statement is built again from what is being checked and never read from beside a signature: one
that was moved to another model, number, package, contract or data doesn't verify.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

from tidegate.decoding import canonical_json
from tidegate.registry.values import Version

DOMAIN = "tidegate/version/1"  # no other text that the key may ever sign begins so


@dataclass(frozen=True)
class Statement:
    """What a signature vouches for; every digest is SHA-256 in hex."""

    model: str
    version: int
    package: str
    contract: str
    data: str

    def to_bytes(self) -> bytes:
        """Return the one byte form that is signed.

        >>> Statement("iris", 3, "p", "c", "d").to_bytes()[:50]
        b'{"contract":"c","data":"d","domain":"tidegate/vers'
        """
        return canonical_json({"domain": DOMAIN, **asdict(self)})


@dataclass(frozen=True)
class Signed:
    """A signature: the key that made it, how, and its bytes in base64."""

    key: str
    algorithm: str
    value: str


class Verifier(Protocol):
    """Tells true signatures from others."""

    def verify(self, statement: bytes, signed: Signed) -> None:
        """Raise `SignatureError` unless this key made `signed` over exactly these bytes."""
        ...


class Signer(Verifier, Protocol):
    """One environment's key."""

    @property
    def key(self) -> str:
        """The name that the key is addressed by."""
        ...

    def sign(self, statement: bytes) -> Signed:
        """Sign a statement; raise `SignatureError` when the key is unknown or switched off."""
        ...


def statement_of(version: Version) -> Statement:
    """Return what a signature of this version has to say."""
    return Statement(
        model=version.model,
        version=version.number,
        package=version.package_digest,
        contract=version.contract_digest,
        data=version.lineage.data_digest,
    )
