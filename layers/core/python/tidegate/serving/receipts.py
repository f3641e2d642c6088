"""Receipts: signed claims about one answer, so that feedback needs no store of predictions.

`base64url(claims).base64url(HMAC-SHA256 of the first part)`. Claims are a list in JSON: id and time
of the request, model, version, release, numbers per row, and the numbers of all rows. What was
signed is compared as text, so two spellings of one receipt can't both be valid.
"""

from __future__ import annotations

import base64
import hashlib
import json
from binascii import b2a_base64
from datetime import UTC, datetime, timedelta

from tidegate.errors import ReceiptError, SettingsError
from tidegate.frozen import frozen
from tidegate.settings import env_name

MAX_AGE = timedelta(days=365)  # the ledger keeps labels for 400 days after the prediction
MAX_LENGTH = 4_000_000  # characters
_BLOCK = 64  # bytes that SHA-256 takes at a time
_URL = bytes.maketrans(b"+/", b"-_")
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
        block = secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()
        self._inner, self._outer = (
            hashlib.sha256(bytes(byte ^ pad for byte in block.ljust(_BLOCK, b"\0")))
            for pad in (0x36, 0x5C)
        )
        self._said = b",%b," % _dump([model, version, release, width])[1:-1]

    def sign(self, asked: bytes, scores: bytes) -> bytes:
        """Return the receipt of an answer to some rows.

        `asked` is a JSON list of the request's id and of when it came, in seconds since 1970;
        `scores` is the list of all rows' numbers in JSON.
        """
        claims = b"[" + asked + self._said + scores + b"]"
        payload = b2a_base64(claims).translate(_URL).rstrip(_PADDING)
        # HMAC as RFC 2104 has it, with the key taken in once: Python's `hmac` takes twice as long.
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return payload + b"." + b2a_base64(outer.digest()).translate(_URL).rstrip(_PADDING)


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
    payload, dot, signature = text.partition(".")
    if len(text) > MAX_LENGTH or not text.isascii() or not dot:
        raise ReceiptError("this is not a receipt")
    from hmac import compare_digest  # an endpoint, which only signs, does not need it

    if not compare_digest(_mac(payload, key), signature):
        raise ReceiptError("the receipt was altered or not made by this environment")
    receipt = _read(payload)
    if receipt.model != model:
        raise ReceiptError("the receipt is of another model")
    if at - receipt.at > MAX_AGE:
        raise ReceiptError(f"the receipt is older than {MAX_AGE.days} days")
    return receipt


def _mac(payload: str, key: str) -> str:
    import hmac

    digest = hmac.digest(_checked(key), payload.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _checked(key: str) -> bytes:
    if not key:
        raise SettingsError(f"environment variable {env_name('receipt_key')} is not set")
    return key.encode()


def _dump(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def _read(payload: str) -> Receipt:
    """Read claims that carry our signature: their form is ours."""
    padded = payload + "=" * (-len(payload) % 4)
    asked, model, version, release, width, told = json.loads(base64.urlsafe_b64decode(padded))
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
