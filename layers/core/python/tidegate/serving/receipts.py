"""Receipts: signed claims about one answer, so that feedback needs no store of predictions.

`base64url(HMAC-BLAKE2s of the claims, claims)`. Claims are a list in JSON: id and time of the
request, model, version, release, numbers per row, and the numbers of all rows. A receipt has one
spelling, that of its bytes without padding.

BLAKE2s (RFC 7693) takes blocks of 64 bytes as SHA-256 does, and makes 32. Python has it itself:
OpenSSL's SHA-256 touches 150 cache lines more for a short receipt (ADR 25).
"""

from __future__ import annotations

import hashlib
import json
from binascii import a2b_base64, b2a_base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from tidegate.errors import ReceiptError, SettingsError
from tidegate.frozen import frozen
from tidegate.settings import env_name

MAX_AGE = timedelta(days=365)  # the ledger keeps labels for 400 days after the prediction
MAX_LENGTH = 4_000_000  # characters
_BLOCK, _SIGNATURE = 64, 32  # bytes that BLAKE2s takes at a time, and makes
_DIGEST = "blake2s"
_URL, _STANDARD = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_PADDING = b"=\n"  # that `b2a_base64` writes at the end


@frozen
class Receipt:
    """What was answered: `scores` holds one tuple per row, binary P(positive) only."""

    id: str
    model: str
    version: int
    release: str
    at: datetime
    scores: tuple[tuple[float, ...], ...]


class Signer:
    """Signs what one version answers, whose scores are JSON text already."""

    def __init__(self, model: str, version: int, release: str, *, key: str, width: int = 1) -> None:
        """Write down what all its receipts say, of rows that have `width` numbers each.

        Raises `SettingsError` when there is no key.
        """
        secret = _checked(key)
        block = secret if len(secret) <= _BLOCK else hashlib.blake2s(secret).digest()
        self._inner, self._outer = (
            hashlib.blake2s(bytes(byte ^ pad for byte in block.ljust(_BLOCK, b"\0")))
            for pad in (0x36, 0x5C)
        )
        self._said = b",%b," % _dump([model, version, release, width])[1:-1]

    def sign(self, asked: bytes, scores: bytes) -> bytes:
        """Return the receipt of an answer to some rows.

        `asked` is a JSON list of the request's id and of when it came, in seconds since 1970;
        `scores` is the list of all rows' numbers in JSON.
        """
        claims = b"[" + asked + self._said + scores + b"]"
        # HMAC as RFC 2104 has it, with the key taken in once: Python's `hmac` takes twice as long.
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(claims)
        outer.update(inner.digest())
        return _spelled(outer.digest() + claims)


def sign(receipt: Receipt, *, key: str) -> str:
    """Return the receipt as signed text; raise `SettingsError` when there is no key."""
    width, scores = len(receipt.scores[0]), [score for row in receipt.scores for score in row]
    signer = Signer(receipt.model, receipt.version, receipt.release, key=key, width=width)
    asked = [receipt.id, receipt.at.timestamp()]
    return signer.sign(_dump(asked), _dump(scores)).decode()


def verify(text: str, *, key: str, model: str, at: datetime) -> Receipt:
    """Return what a receipt claims.

    Raises `ReceiptError` when it is forged or altered, of another model, or older than `MAX_AGE`.
    """
    signed = _signed(text)
    signature, claims = signed[:_SIGNATURE], signed[_SIGNATURE:]
    import hmac  # an endpoint, which only signs, does not need it

    if not hmac.compare_digest(hmac.digest(_checked(key), claims, _DIGEST), signature):
        raise ReceiptError("the receipt was altered or not made by this environment")
    receipt = _read(claims)
    if receipt.model != model:
        raise ReceiptError("the receipt is of another model")
    if at - receipt.at > MAX_AGE:
        raise ReceiptError(f"the receipt is older than {MAX_AGE.days} days")
    return receipt


def _signed(text: str) -> bytes:
    """Return signature and claims; raise `ReceiptError` for text that has another spelling."""
    written = text.encode() if len(text) <= MAX_LENGTH and text.isascii() else b""
    with suppress(ValueError):
        signed = a2b_base64(written.translate(_STANDARD) + b"=" * (-len(written) % 4))
        if len(signed) > _SIGNATURE and _spelled(signed) == written:
            return signed
    raise ReceiptError("this is not a receipt")


def _spelled(signed: bytes) -> bytes:
    return b2a_base64(signed).translate(_URL).rstrip(_PADDING)


def _checked(key: str) -> bytes:
    if not key:
        raise SettingsError(f"environment variable {env_name('receipt_key')} is not set")
    return key.encode()


def _dump(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def _read(claims: bytes) -> Receipt:
    """Read claims that carry our signature: their form is ours."""
    asked, model, version, release, width, told = json.loads(claims)
    id, at = asked
    scores = list(map(float, told))
    return Receipt(
        id=id,
        model=model,
        version=version,
        release=release,
        at=datetime.fromtimestamp(at, tz=UTC),
        scores=tuple(tuple(scores[i : i + width]) for i in range(0, len(scores), width)),
    )
