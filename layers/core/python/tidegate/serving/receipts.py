"""Receipts: signed claims about one answer, so that feedback needs no store of predictions.

`base64url(json claims).base64url(HMAC-SHA256 of the first part)`. What was signed is compared as
text, so two spellings of one receipt can't both be valid.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from tidegate.errors import ReceiptError, SettingsError
from tidegate.frozen import frozen
from tidegate.settings import env_name

MAX_AGE = timedelta(days=365)  # the ledger keeps labels for 400 days after the prediction
MAX_LENGTH = 4_000_000  # characters


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

    def __init__(self, model: str, version: int, release: str, *, key: str) -> None:
        """Write down what all its receipts say."""
        self._key = key
        said = {"m": model, "v": version, "r": release}
        self._said = _dump(said)[1:-1]

    def sign(self, id: str, at: datetime, numbers: Sequence[bytes], *, width: int) -> str:
        """Return the receipt of an answer to some rows, of which each has `width` numbers.

        Raises `SettingsError` when there is no key.
        """
        rows = (
            numbers
            if width == 1
            else [b",".join(numbers[i : i + width]) for i in range(0, len(numbers), width)]
        )
        milliseconds = round(at.timestamp() * 1000)
        told = (_dump(id), self._said, milliseconds, b"],[".join(rows))
        payload = _base64(b'{"id":%b,%b,"t":%d,"s":[[%b]]}' % told)
        return f"{payload}.{_signature(payload, self._key)}"


def sign(receipt: Receipt, *, key: str) -> str:
    """Return the receipt as signed text; raise `SettingsError` when there is no key."""
    signer = Signer(receipt.model, receipt.version, receipt.release, key=key)
    numbers = [_dump(score) for scores in receipt.scores for score in scores]
    return signer.sign(receipt.id, receipt.at, numbers, width=len(receipt.scores[0]))


def verify(text: str, *, key: str, model: str, at: datetime) -> Receipt:
    """Return what a receipt claims.

    Raises `ReceiptError` when it is forged or altered, of another model, or older than `MAX_AGE`.
    """
    payload, dot, signature = text.partition(".")
    if len(text) > MAX_LENGTH or not text.isascii() or not dot:
        raise ReceiptError("this is not a receipt")
    if not hmac.compare_digest(_signature(payload, key), signature):
        raise ReceiptError("the receipt was altered or not made by this environment")
    receipt = _read(payload)
    if receipt.model != model:
        raise ReceiptError("the receipt is of another model")
    if at - receipt.at > MAX_AGE:
        raise ReceiptError(f"the receipt is older than {MAX_AGE.days} days")
    return receipt


def _signature(payload: str, key: str) -> str:
    if not key:
        raise SettingsError(f"environment variable {env_name('receipt_key')} is not set")
    code = _keyed(key).copy()
    code.update(payload.encode())
    return _base64(code.digest())


@lru_cache(maxsize=4)
def _keyed(key: str) -> hmac.HMAC:
    """Return what has taken the key in; a copy of it costs half of beginning anew."""
    return hmac.new(key.encode(), digestmod="sha256")


def _dump(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _read(payload: str) -> Receipt:
    """Read claims that carry our signature: their form is ours."""
    padded = payload + "=" * (-len(payload) % 4)
    claims = json.loads(base64.urlsafe_b64decode(padded))
    return Receipt(
        id=claims["id"],
        model=claims["m"],
        version=claims["v"],
        release=claims["r"],
        at=datetime.fromtimestamp(claims["t"] / 1000, tz=UTC),
        scores=tuple(tuple(map(float, row)) for row in claims["s"]),
    )
