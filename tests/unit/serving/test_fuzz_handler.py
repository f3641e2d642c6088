"""The whole serving function under anything: bytes, JSON, frames, events."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.served import FakeContext, event
from tests.fuzz.target import (
    BASE64,
    DOORS,
    GZIPPED,
    INFER_TEXT,
    LONG_INFER,
    LONG_TEXT,
    PREDICT,
    TEXT,
    check,
    event_of,
    served,
    strict_json,
)
from tidegate.serving import endpoint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
NAMES = st.sampled_from(["wind", "harbour", "records", "columns", "inputs", "vvind"])
LIKELY = st.dictionaries(NAMES, JSON | st.lists(st.dictionaries(NAMES, JSON), max_size=5))
GOOD = st.fixed_dictionaries(
    {
        "wind": st.floats(0, 60, width=32) | st.integers(0, 60),
        "harbour": st.sampled_from(["north", "south"]),
    }
)
BAD_WIND = st.sampled_from([True, "1", None, [1], {}, 3.5e38, 10**400, "NaN"])
BAD_HARBOUR = st.sampled_from([1, True, None, ["south"], "South", "south ", ""])
LOG = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
UNTIMED = settings(deadline=None)
SECRET = "Jane Doe 4711"


@pytest.fixture(scope="module", autouse=True)
def model() -> Iterator[None]:
    with served():
        yield


def call(asked: dict[str, Any]) -> tuple[int, Any]:
    answer = endpoint.handle(asked, FakeContext())
    return answer["statusCode"], strict_json(answer["body"].encode())


def predict(content: object) -> tuple[int, Any]:
    return call(event(json.dumps(content)) | {"rawPath": PREDICT})


@UNTIMED
@given(st.integers(0, DOORS - 1), st.binary(max_size=300))
def test_any_bytes_at_any_door(door: int, data: bytes) -> None:
    check(bytes([door]) + data)


@UNTIMED
@given(st.sampled_from([TEXT, BASE64, GZIPPED, INFER_TEXT, LONG_TEXT, LONG_INFER]), JSON | LIKELY)
def test_any_json_at_any_door(door: int, content: object) -> None:
    check(bytes([door]) + json.dumps(content).encode())


@UNTIMED
@given(JSON | st.dictionaries(st.sampled_from([*event(""), "headers", "probe"]), JSON))
def test_any_event_is_refused_in_strict_json(asked: Any) -> None:
    answer = endpoint.handle(asked, FakeContext())
    assert answer["statusCode"] in {400, 404, 405, 413, 415, 422}
    assert strict_json(answer["body"].encode())["error"]


@UNTIMED
@given(st.lists(GOOD, min_size=1, max_size=30))
def test_a_frame_gets_the_same_answer_in_every_form(rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in ("wind", "harbour")}
    forms = [json.dumps({"records": rows}), json.dumps({"columns": columns}, indent=1)]
    found = []
    for form in forms:
        for door in (TEXT, BASE64, GZIPPED, LONG_TEXT):
            status, answer = call(event_of(bytes([door]) + form.encode()))
            assert status == 200
            found.append(answer["predictions"])
    assert len(found[0]) == len(rows)
    assert all(one == found[0] for one in found)


@UNTIMED
@given(st.lists(GOOD, min_size=1, max_size=40), st.data())
def test_each_wrong_value_of_a_frame_is_named_by_row_and_column(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    places = st.tuples(st.integers(0, len(rows) - 1), st.sampled_from(["wind", "harbour"]))
    wrong = data.draw(st.sets(places, min_size=1, max_size=15))
    for row, column in wrong:
        rows[row][column] = data.draw(BAD_WIND if column == "wind" else BAD_HARBOUR)
    columns = {name: [row[name] for row in rows] for name in ("wind", "harbour")}
    for content in ({"records": rows}, {"columns": columns}):
        status, answer = predict(content)
        assert status == 422
        assert {(p["row"], p["column"]) for p in answer["error"]["problems"]} == wrong


@LOG
@given(content=JSON | LIKELY)
def test_no_value_is_told_back_or_logged(
    capsys: pytest.CaptureFixture[str], content: object
) -> None:
    hidden = {
        "records": [{"wind": SECRET, "harbour": SECRET}, {"wind": content, "harbour": SECRET}]
    }
    answer = endpoint.handle(event(json.dumps(hidden)) | {"rawPath": PREDICT}, FakeContext())
    assert answer["statusCode"] == 422
    assert SECRET not in answer["body"]
    assert SECRET not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[", '{"a":', '{"records":[', '{"columns":{"wind":['])
@pytest.mark.parametrize("door", range(DOORS))
def test_deep_nesting_is_refused_in_flat_memory(door: int, text: str) -> None:
    asked = event_of(bytes([door]) + text.encode() * (100_000 // len(text)))
    tracemalloc.start()
    try:
        status, _ = call(asked)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 400 <= status < 500
    assert peak < 5_000_000


def test_a_gzip_bomb_is_refused_in_flat_memory() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * 50_000_000, mtime=0)).decode()
    asked = event(bomb) | {"isBase64Encoded": True, "headers": {"content-encoding": "gzip"}}
    tracemalloc.start()
    try:
        status, _ = call(asked)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status == 413
    assert peak < 10_000_000


@pytest.mark.parametrize("door", [TEXT, BASE64, GZIPPED])
def test_exactly_the_limit_of_bytes_is_answered_and_one_more_is_not(door: int) -> None:
    body = json.dumps({"records": [{"wind": 1.0, "harbour": "south"}]}).encode()
    limit = 1_000_000
    assert call(event_of(bytes([door]) + body.ljust(limit)))[0] == 200
    assert call(event_of(bytes([door]) + body.ljust(limit + 1)))[0] == 413


@pytest.mark.parametrize("form", ["records", "columns"])
def test_exactly_the_limit_of_rows_is_answered_and_one_more_is_not(form: str) -> None:
    def body(rows: int) -> dict[str, Any]:
        if form == "records":
            return {form: [{"wind": 1.0, "harbour": "south"}] * rows}
        return {form: {"wind": [1.0] * rows, "harbour": ["south"] * rows}}

    status, answer = predict(body(1000))
    assert (status, len(answer["predictions"])) == (200, 1000)
    assert predict(body(1001))[0] == 413
