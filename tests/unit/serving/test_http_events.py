"""Reading an HTTP API event: its route, its body, and its limits."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import event
from tidegate.errors import PayloadTooLargeError, RequestError
from tidegate.serving.requests import parse_strictly, read_request


def body_of(body: str, *, is_base64: bool = False, limit: int = 100) -> bytes:
    return read_request(event(body) | {"isBase64Encoded": is_base64}).content(limit=limit)


def test_an_event_names_method_model_and_body() -> None:
    found = read_request(event("{}", model="iris"))
    assert (found.method, found.model, found.body, found.probe) == ("POST", "iris", "{}", False)
    assert found.path == "/models/iris/predict"


@pytest.mark.parametrize(
    ("path", "model", "route"),
    [
        ("/models/iris", "iris", ""),
        ("/models/iris/", "iris", ""),
        ("/v1/models/iris/feedback", "iris", "feedback"),
        ("/models/iris/v2/models/iris/infer", "iris", "v2/models/iris/infer"),
        ("/models/models/v2", "models", "v2"),
        ("/models/", "", ""),
        ("/predict", "", "predict"),
        ("", "", ""),
    ],
)
def test_the_path_names_the_model_and_its_route(path: str, model: str, route: str) -> None:
    found = read_request(event() | {"rawPath": path})
    assert (found.model, found.route) == (model, route)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Content-Type": "a", "accept": "b"}, {"content-type": "a", "accept": "b"}),
        ({"Content-Type": "a", "Accept": ["b"]}, {"content-type": "a"}),
        ({"content-type": "a", "accept": "b"}, {"content-type": "a", "accept": "b"}),
        ({"accept": ["b"], "x": None}, {}),
        (None, {}),
        ("accept: b", {}),
    ],
)
def test_header_names_are_read_in_lower_case(headers: object, found: dict[str, str]) -> None:
    assert read_request(event() | {"headers": headers}).headers == found


def test_a_request_without_body_has_an_empty_one() -> None:
    assert read_request(event() | {"body": None}).content(limit=10) == b""


@pytest.mark.parametrize("size", [0, 1, 2, 3, 97, 98, 99, 100])
def test_base64_is_undone_up_to_exactly_the_limit(size: int) -> None:
    text = base64.b64encode(b"x" * size).decode()
    assert body_of(text, is_base64=True) == b"x" * size


@pytest.mark.parametrize("size", [101, 102, 103, 10_000_000])
@pytest.mark.parametrize("is_base64", [True, False])
def test_more_bytes_than_the_limit_are_too_large(size: int, is_base64: bool) -> None:
    text = base64.b64encode(b"x" * size).decode() if is_base64 else "x" * size
    with pytest.raises(PayloadTooLargeError, match="at most 100 bytes"):
        body_of(text, is_base64=is_base64)


def test_bytes_are_counted_and_not_characters() -> None:
    assert len(body_of("ä" * 50)) == 100
    with pytest.raises(PayloadTooLargeError):
        body_of("ä" * 51)


@pytest.mark.parametrize("text", ["%%%%", "abc", "a b=", "ää=="])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="base64"):
        body_of(text, is_base64=True)


def test_a_packed_body_is_inflated_up_to_the_limit() -> None:
    def packed(size: int) -> bytes:
        text = base64.b64encode(gzip.compress(b"x" * size)).decode()
        sent = event(text) | {"isBase64Encoded": True, "headers": {"Content-Encoding": "gzip"}}
        return read_request(sent).content(limit=100)

    assert packed(100) == b"x" * 100
    with pytest.raises(PayloadTooLargeError, match="100 bytes once inflated"):
        packed(101)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(RequestError, match="Unicode"):
        body_of("\ud800")


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "event",
        {},
        {"requestContext": None},
        {"requestContext": {"http": {}}},
        {**event(), "body": 3},
        {**event(), "rawPath": ["x"]},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_what_is_no_event_is_refused(wrong: object) -> None:
    with pytest.raises(RequestError, match="no HTTP API event"):
        read_request(wrong)


def test_a_marked_event_is_a_probe() -> None:
    assert read_request({**event(), "probe": "golden"}).probe


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    assert parse_strictly(json.dumps(value).encode()) == value


def test_a_repeated_key_is_found_among_many_in_one_pass() -> None:
    many = b",".join(b'"%d": 1' % n for n in range(100_000))  # by pairs it would take minutes
    with pytest.raises(RequestError, match="'99999' stands twice"):
        parse_strictly(b'{%b, "99999": 2}' % many)


def test_a_long_integer_is_a_float() -> None:
    assert parse_strictly(b"[" + b"9" * 5000 + b"]") == [float("inf")]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'[{"b": {"a": 1, "a": 1}}]', "'a' stands twice"),
        (b"[" * 200_000, "nested too deeply"),
        (b"\xff", "not UTF-8"),
        (b"{'a': 1}", "line 1, column 2"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(body: bytes, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        parse_strictly(body)
