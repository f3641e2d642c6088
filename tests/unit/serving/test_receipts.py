"""Receipts: what was signed is believed, anything else is not."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import KEY, NOON
from tidegate.errors import ReceiptError, SettingsError
from tidegate.serving.receipts import MAX_AGE, Receipt, sign, verify

RECEIPT = Receipt("q1", "ferry-delay", 3, "r-3", NOON, ((0.25,), (0.123457,)))
TEXT = sign(RECEIPT, key=KEY)


def check(text: str, *, key: str = KEY, model: str = "ferry-delay") -> Receipt:
    return verify(text, key=key, model=model, at=NOON)


def parts_of(text: str) -> tuple[bytes, bytes]:
    signed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return signed[:32], signed[32:]


def test_a_receipt_says_what_was_signed() -> None:
    assert check(TEXT) == RECEIPT
    assert "=" not in TEXT


def test_each_row_keeps_its_numbers() -> None:
    several = replace(RECEIPT, scores=((0.1, 0.2, 0.7), (0.3, 0.3, 0.4)))
    assert check(sign(several, key=KEY)) == several


@pytest.mark.parametrize("key", [KEY, "k" * 64, "k" * 65])
@pytest.mark.parametrize("rows", [1, 2, 3, 40, 41, 42, 43, 44, 45, 1000])
def test_receipts_of_any_length_are_signed_as_rfc_2104_has_it(rows: int, key: str) -> None:
    # Any rest of three bytes is padded by base64, and the padding left out.
    many = replace(RECEIPT, scores=((0.125,),) * rows)
    text = sign(many, key=key)
    signature, claims = parts_of(text)
    assert signature == hmac.digest(key.encode(), claims, "blake2s")
    assert verify(text, key=key, model="ferry-delay", at=NOON) == many


def test_a_receipt_is_written_for_urls() -> None:
    odd = replace(RECEIPT, id="?" * 9 + ">" * 9)  # what base64 has `/` and `+` for
    text = sign(odd, key=KEY)
    assert {"-", "_"} <= set(text)
    assert not {"+", "/", "=", "\n"} & set(text)
    assert check(text) == odd


@pytest.mark.parametrize("at", range(0, len(TEXT), 7))
def test_one_changed_character_is_noticed(at: int) -> None:
    other = "A" if TEXT[at] != "A" else "B"
    with pytest.raises(ReceiptError):
        check(TEXT[:at] + other + TEXT[at + 1 :])


def test_there_is_one_spelling_of_a_receipt() -> None:
    text = sign(replace(RECEIPT, id="q12"), key=KEY)
    assert len(text) % 4  # the last character has bits to spare
    others = "".join(chr(ord(text[-1]) + step) for step in (-1, 1))
    for twin in (
        f"{text}=",
        f"{text}==",
        f"{text}\n",
        f" {text}",
        f"{text[:8]} {text[8:]}",
        f"{text}.",
        *(text[:-1] + other for other in others),
    ):
        with pytest.raises(ReceiptError):
            check(twin)


def test_letters_that_only_a_lenient_reader_takes_are_refused() -> None:
    text = sign(replace(RECEIPT, id="?" * 9 + ">" * 9), key=KEY)
    for twin in (text.replace("-", "+"), text.replace("_", "/")):
        assert twin != text
        with pytest.raises(ReceiptError, match="not a receipt"):
            check(twin)


def test_claims_cannot_be_exchanged_under_a_signature() -> None:
    signature, claims = parts_of(TEXT)
    asked, model, _, *others = json.loads(claims)
    forged = signature + json.dumps([asked, model, 4, *others]).encode()
    with pytest.raises(ReceiptError, match="altered or not made"):
        check(base64.urlsafe_b64encode(forged).decode().rstrip("="))


@given(st.text(max_size=60) | st.text("abcXYZ019-_.=", max_size=60))
def test_text_is_no_receipt(text: str) -> None:
    with pytest.raises(ReceiptError):
        check(text)


def test_a_receipt_of_another_environment_or_model_is_refused() -> None:
    with pytest.raises(ReceiptError, match="altered or not made"):
        check(TEXT, key=KEY + "x")
    with pytest.raises(ReceiptError, match="another model"):
        check(TEXT, model="iris")


def test_a_receipt_is_taken_for_a_year_and_not_longer() -> None:
    assert verify(TEXT, key=KEY, model="ferry-delay", at=NOON + MAX_AGE) == RECEIPT
    late = NOON + MAX_AGE + timedelta(milliseconds=1)
    with pytest.raises(ReceiptError, match="older than 365 days"):
        verify(TEXT, key=KEY, model="ferry-delay", at=late)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200), st.text())
def test_any_key_signs_what_it_believes(key: str, id: str) -> None:
    """Signing has an HMAC of its own, reading that of the standard library."""
    receipt = replace(RECEIPT, id=id)

    assert check(sign(receipt, key=key), key=key) == receipt


def test_nothing_is_signed_or_believed_without_a_key() -> None:
    with pytest.raises(SettingsError, match="TIDEGATE_RECEIPT_KEY"):
        sign(RECEIPT, key="")
    with pytest.raises(SettingsError, match="TIDEGATE_RECEIPT_KEY"):
        check(TEXT, key="")


def test_a_score_that_is_no_number_is_not_signed() -> None:
    with pytest.raises(ValueError, match="JSON"):
        sign(replace(RECEIPT, scores=((float("nan"),),)), key=KEY)
