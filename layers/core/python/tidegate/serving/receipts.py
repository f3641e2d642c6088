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


def sign(receipt: Receipt, *, key: str) -> str:
    """Return the receipt as signed text; raise `SettingsError` when there is no key."""
    told = claims(
        id=receipt.id,
        model=receipt.model,
        version=receipt.version,
        release=receipt.release,
        at=receipt.at,
    )
    told["s"] = receipt.scores
    return seal(json.dumps(told, separators=(",", ":"), allow_nan=False).encode(), key=key)


def claims(*, id: str, model: str, version: int, release: str, at: datetime) -> dict[str, object]:
    """Return what a receipt says beside the scores, as it is written."""
    milliseconds = round(at.timestamp() * 1000)
    return {"id": id, "m": model, "v": version, "r": release, "t": milliseconds}


def with_scores(claims: bytes, numbers: Sequence[bytes], *, width: int) -> bytes:
    """Return claims in JSON with the scores, numbers in JSON of which a row has `width`.

    >>> with_scores(b'{"v":1}', [b"0.1", b"0.2", b"0.3", b"0.4"], width=2)
    b'{"v":1,"s":[[0.1,0.2],[0.3,0.4]]}'
    """
    rows = (
        numbers
        if width == 1
        else [b",".join(numbers[i : i + width]) for i in range(0, len(numbers), width)]
    )
    return b'%b,"s":[[%b]]}' % (claims[:-1], b"],[".join(rows))


def seal(claims: bytes, *, key: str) -> str:
    """Return claims in JSON as signed text; raise `SettingsError` when there is no key."""
    payload = _base64(claims)
    return f"{payload}.{_signature(payload, key)}"


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
