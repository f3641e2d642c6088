"""Media types, gzip in and gzip out: bounded, strict, and worth it."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.http_api import answer, serving
from tests.fakes.served import AT, CONTRACT, KEY, NOON, ROW, event, predictor, records
from tidegate.errors import (
    PayloadTooLargeError,
    ReceiptError,
    RequestError,
    UnsupportedMediaTypeError,
)
from tidegate.serving.answers import Answer
from tidegate.serving.content_coding import decode, inflate
from tidegate.serving.protocols.negotiation import check_type, compressed, takes_gzip
from tidegate.serving.receipts import verify

LIMIT = 1000


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_members_of_a_gzip_file_are_read_one_after_the_other(parts: list[bytes]) -> None:
    body = b"".join(gzip.compress(part, mtime=0) for part in parts)
    assert inflate(body, limit=LIMIT) == b"".join(parts)


@given(st.binary(max_size=300))
def test_any_bytes_are_inflated_or_refused(body: bytes) -> None:
    try:
        expected = gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        expected = None
    if expected:
        assert inflate(body, limit=LIMIT) == expected
    else:
        with pytest.raises(RequestError):
            inflate(body, limit=LIMIT)


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_body_may_inflate_to_the_limit(size: int) -> None:
    assert len(inflate(gzip.compress(b"x" * size), limit=LIMIT)) == size


def test_a_body_may_not_inflate_above_the_limit() -> None:
    with pytest.raises(PayloadTooLargeError, match="at most 1000 bytes once inflated"):
        inflate(gzip.compress(b"x" * (LIMIT + 1)), limit=LIMIT)


def test_two_members_share_one_limit() -> None:
    with pytest.raises(PayloadTooLargeError):
        inflate(gzip.compress(b"x" * 600) * 2, limit=LIMIT)


def test_a_bomb_takes_no_memory() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    tracemalloc.start()
    with pytest.raises(PayloadTooLargeError):
        inflate(bomb, limit=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_many_empty_members_are_refused() -> None:
    with pytest.raises(RequestError, match="at most 64 gzip members"):
        inflate(gzip.compress(b"") * 1000, limit=LIMIT)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "end too early"),
        (b"{}", "is not"),
        (gzip.compress(b"{}")[:-1], "end too early"),
        (gzip.compress(b"{}") + b"rest", "is not"),
        (gzip.compress(b"{}")[:-8] + b"\0" * 8, "is not"),
        (zlib.compress(b"{}"), "is not"),
    ],
    ids=["empty", "plain", "cut", "garbage after it", "wrong checksum", "zlib"],
)
def test_what_is_no_gzip_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        inflate(body, limit=LIMIT)


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_identity_leaves_the_body_as_it_is(coding: str) -> None:
    assert decode(b"{}", coding, limit=LIMIT) == b"{}"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_undone(coding: str) -> None:
    assert decode(gzip.compress(b"{}"), coding, limit=LIMIT) == b"{}"


@pytest.mark.parametrize("coding", ["deflate", "br", "gzip, gzip", "zstd"])
def test_another_coding_is_refused(coding: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="gzip or identity"):
        decode(b"{}", coding, limit=LIMIT)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "json", "application/json/x"]
)
def test_another_media_type_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="must be application/json"):
        check_type(kind, ("application/json",))


def test_another_charset_is_refused() -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="utf-8"):
        check_type("application/json; charset=latin-1", ("application/json",))


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*;q=0.1", True),
        ("GZip ; Q=1", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("*;q=0, gzip;q=0.1", True),
        ("gzip;q=0, *", False),
        ("identity;q=1, gzip;q=0.9", False),
        ("identity", False),
        ("br", False),
        ("", False),
        ("gzip;q=much", False),
        ("gzip;q=nan", False),
    ],
)
def test_the_header_says_whether_gzip_is_taken(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken


def test_a_long_answer_is_packed_and_says_so() -> None:
    plain = Answer(200, json.dumps(list(range(1000))).encode())
    packed = compressed(plain)
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers == {
        **plain.headers,
        "content-encoding": "gzip",
        "vary": "accept-encoding",
    }
    assert packed.binary
    assert packed.size < plain.size / 2


@pytest.mark.parametrize("size", [0, 10, 1024])
def test_a_short_answer_is_left_alone(size: int) -> None:
    assert compressed(Answer(200, b"0" * size)).headers == Answer(200, b"").headers


def test_an_answer_that_gzip_makes_no_shorter_is_left_alone() -> None:
    noise = Answer(200, np.random.default_rng(1).bytes(2000), binary=True)
    assert compressed(noise) is noise


def asked(body: bytes, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    text = base64.b64encode(body).decode()
    return answer(serving(), {**event(text), "isBase64Encoded": True, "headers": named})


def test_a_packed_request_is_answered_as_the_plain_one_is() -> None:
    plain = asked(records(ROW), content_type="application/json")
    packed = gzip.compress(records(ROW))
    assert asked(packed, content_encoding="gzip") == plain
    assert asked(packed, content_encoding="gzip", content_type="application/octet-stream") == plain


def test_a_packed_answer_holds_what_the_plain_one_does() -> None:
    body = records(*[ROW] * 40)

    plain, packed = asked(body), asked(body, accept_encoding="gzip, br")
    assert packed["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]


def test_the_longest_answer_is_measured_as_it_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.serving.predictor.MAX_ANSWER", 2000)
    monkeypatch.setattr("tidegate.serving.predictor._SURELY_FITS", 1000)
    asks = predictor(replace(CONTRACT, max_rows=50))
    body = records(*[ROW] * 45)
    with pytest.raises(PayloadTooLargeError, match="too long"):
        asks.predict(body, id="q1", at=AT)
    packed = asks.predict(body, id="q1", at=AT, headers={"accept-encoding": "gzip"})
    assert packed.answer.status == 200


def test_no_receipt_is_handed_out_that_feedback_would_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks = predictor()
    body, packs = records(*[ROW] * 45), {"accept-encoding": "gzip"}

    def receipt() -> str:
        answer = asks.predict(body, id="q1", at=AT, headers=packs).answer
        return str(json.loads(gzip.decompress(answer.body))["receipt"])

    def allow(length: int) -> None:
        monkeypatch.setattr("tidegate.serving.receipts.MAX_LENGTH", length)
        monkeypatch.setattr("tidegate.serving.predictor.MAX_LENGTH", length)

    longest = receipt()
    allow(len(longest))
    assert len(verify(receipt(), key=KEY, model=CONTRACT.model, at=NOON).scores) == 45
    allow(len(longest) - 1)
    with pytest.raises(ReceiptError):
        verify(longest, key=KEY, model=CONTRACT.model, at=NOON)
    with pytest.raises(PayloadTooLargeError, match="the receipt of 45 rows is too long"):
        receipt()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "text/csv"}, 415),
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "gzip"}, 400),
        ({"content_type": "application/json; charset=UTF-8"}, 200),
        ({"accept": "text/html"}, 200),
        ({"content_type": "application/octet-stream"}, 415),
    ],
)
def test_headers_decide_the_status(headers: dict[str, str], status: int) -> None:
    assert asked(records(ROW), **headers)["statusCode"] == status
