"""Receipts: signed claims about one answer, so that feedback needs no store of predictions.

`base64url(json claims).base64url(HMAC-SHA256 of the first part)`. What was signed is compared as
text, so two spellings of one receipt can't both be valid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tidegate.errors import ReceiptError, SettingsError
from tidegate.settings import env_name

MAX_AGE = timedelta(days=365)  # the ledger keeps labels for 400 days after the prediction
MAX_LENGTH = 4_000_000  # characters


@dataclass(frozen=True)
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
    claims = {
        "id": receipt.id,
        "m": receipt.model,
        "v": receipt.version,
        "r": receipt.release,
        "t": round(receipt.at.timestamp() * 1000),
        "s": receipt.scores,
    }
    text = json.dumps(claims, separators=(",", ":"), allow_nan=False)
    payload = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
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
    digest = hmac.new(key.encode(), payload.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


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
