"""Predicting: what goes in is checked, what comes out is strict JSON with a receipt."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.served import (
    AT,
    CONTRACT,
    KEY,
    MULTICLASS,
    NOON,
    REGRESSION,
    ROW,
    SERVED,
    predictor,
    records,
)
from tidegate.contract import Column, Contract
from tidegate.errors import (
    InvalidRowsError,
    PackageError,
    PayloadTooLargeError,
    RequestError,
    TidegateError,
)
from tidegate.scoring.session import Matrix
from tidegate.serving import predictor as predicting
from tidegate.serving.answers import refusal
from tidegate.serving.predictor import Outcome
from tidegate.serving.receipts import verify


def strict(body: bytes) -> Any:  # whatever JSON holds
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    return json.loads(body.decode(), parse_constant=refuse)


def ask(body: bytes, contract: Contract = CONTRACT) -> Outcome:
    return predictor(contract).predict(body, id="q1", at=AT)


def test_records_are_answered_with_label_score_version_and_receipt() -> None:
    outcome = ask(records(ROW, {**ROW, "wind": 45.0}))
    answer = strict(outcome.answer.body)

    assert {k: answer[k] for k in ("model", "version", "release")} == {
        "model": "ferry-delay",
        "version": 3,
        "release": "r-3",
    }
    assert answer["predictions"] == [
        {"label": "on time", "score": 0.208333},
        {"label": "late", "score": 0.75},
    ]
    receipt = verify(answer["receipt"], key=KEY, model="ferry-delay", at=NOON)
    assert (receipt.id, receipt.version, receipt.at) == ("q1", SERVED.version, NOON)
    assert receipt.scores == ((0.208333,), (0.75,))


def test_a_receipt_tells_the_millisecond() -> None:
    found = predictor().predict(records(ROW), id="q1", at=AT + 0.123)
    text = json.loads(found.answer.body)["receipt"]
    receipt = verify(text, key=KEY, model="ferry-delay", at=NOON)
    assert receipt.at - NOON == timedelta(milliseconds=123)


def test_columns_are_answered_as_the_same_records_are() -> None:
    rows = [ROW, {**ROW, "wind": None, "harbour": "nowhere"}]
    columns = {"columns": {name: [row[name] for row in rows] for name in ROW}}
    assert ask(json.dumps(columns).encode()).answer == ask(records(*rows)).answer


def test_classes_are_answered_with_a_score_each() -> None:
    (row,) = strict(ask(records(ROW), MULTICLASS).answer.body)["predictions"]
    assert row["label"] == "tide"
    assert list(row["scores"]) == ["tide", "fog", "crew"]
    assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("value", [1e-12, 12.1, -3.4e38, 0.0])
def test_a_value_is_answered_as_the_shortest_text_of_its_float32(value: float) -> None:
    model = predictor(REGRESSION, lambda x: np.full((len(x), 1), value, np.float32))
    answer = strict(model.predict(records(ROW), id="q", at=AT).answer.body)
    assert np.float32(answer["predictions"][0]["value"]) == np.float32(value)
    assert len(repr(answer["predictions"][0]["value"])) <= 14


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_without_a_finite_answer_is_named_and_counted(bad: float) -> None:
    def score(x: Matrix) -> Matrix:
        found = np.full((len(x), 2), 0.5, np.float32)
        found[1, 0] = bad
        return found

    outcome = predictor(score=score).predict(records(ROW, ROW, ROW), id="q", at=AT)
    told = strict(outcome.answer.body)["error"]

    assert (outcome.answer.status, outcome.invalid, outcome.scores) == (422, 1, None)
    assert told["type"] == "InvalidRowsError"
    assert [problem["row"] for problem in told["problems"]] == [1]


@pytest.mark.parametrize("rows", [2, 20])
def test_an_answer_of_another_shape_is_the_packages_fault(rows: int) -> None:
    with pytest.raises(PackageError, match=r"shape|2 rows with 2 numbers"):
        predictor(score=lambda _: np.zeros((1, 2), np.float32)).predict(
            records(*[ROW] * rows), id="q", at=AT
        )


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "3.5e38"),
        *("true", '"1"', "null", "[]", "{}"),
    ],
    ids=lambda text: text[:12],
)
def test_a_value_that_is_no_number_is_named_by_row_and_column(text: str) -> None:
    good = json.dumps(ROW)
    body = f'{{"records": [{good}, {good.replace("1.0", text)}]}}'.encode()
    with pytest.raises(InvalidRowsError) as caught:
        ask(body, replace(CONTRACT, max_bytes=20_000))
    assert [(p.row, p.column) for p in caught.value.problems] == [(1, "gusts")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"\xef\xbb\xbf" + records(ROW),
        b"\xff\xfe{\x00",
        b"\x1f\x8b\x08\x00rest",
        b"[" * 100_000,
        b'{"records":' * 50_000,
        b'"\\ud800"',
        records(ROW) + b"x",
        records({**ROW, "harbour": "\ud800"}),
        b"null",
        b"[]",
        b"1",
        b"{}",
        b'{"rows": []}',
        b'{"records": [], "columns": {}}',
        records(ROW)[:-1] + b', "records": []}',
        records(ROW).replace(b'"boats"', b'"gusts": 1.0, "boats"'),
        b'{"columns": {"wind": [1], "wind": [2]}}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_not_one_json_object_of_rows_is_refused_at_once(body: bytes) -> None:
    took = []  # CASES A3; what other processes take, or a collector that comes by, is not counted
    for _ in range(3):
        began = time.process_time()
        with pytest.raises(RequestError) as caught:
            ask(body)
        took.append(time.process_time() - began)
    assert min(took) < 0.1
    assert type(caught.value) is RequestError
    strict(refusal(caught.value).body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"records": []}',
        b'{"records": {}}',
        b'{"records": [1]}',
        b'{"records": [{}]}',
        b'{"columns": []}',
        b'{"columns": {}}',
        records({**ROW, "vvind": 1}),
        records({k: v for k, v in ROW.items() if k != "boats"}),
    ],
    ids=repr,
)
def test_rows_that_break_the_contract_are_unprocessable(body: bytes) -> None:
    with pytest.raises(InvalidRowsError):
        ask(body)


def test_colons_in_texts_are_no_keys() -> None:
    assert ask(records({**ROW, "harbour": "12:30:00"})).answer.status == 200


def test_a_key_twice_is_found_although_texts_hold_colons() -> None:
    body = records({**ROW, "harbour": "a:b"}).replace(b'"boats"', b'"gusts": 1.0, "boats"')
    with pytest.raises(RequestError, match="'gusts' stands twice"):
        ask(body)


def test_exactly_the_limit_of_rows_is_answered_and_one_more_is_not() -> None:
    contract = replace(CONTRACT, max_bytes=100_000)
    assert ask(records(*[ROW] * 50), contract).answer.status == 200
    with pytest.raises(PayloadTooLargeError):
        ask(records(*[ROW] * 51), contract)


def test_an_answer_too_long_for_lambda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "MAX_ANSWER", 300)
    monkeypatch.setattr(predicting, "_SURELY_FITS", 150)
    with pytest.raises(PayloadTooLargeError, match="50 rows"):
        ask(records(*[ROW] * 50))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(sorted(ROW)) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries({name: JSON | st.just(value) for name, value in ROW.items()})
BODIES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(FIELDS | JSON, max_size=4).map(lambda rows: json.dumps({"records": rows}).encode()),
    st.dictionaries(st.sampled_from(sorted(ROW)), st.lists(JSON, max_size=3)).map(
        lambda columns: json.dumps({"columns": columns}).encode()
    ),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES)
def test_any_body_gets_a_prediction_or_a_refusal_in_strict_json(body: bytes) -> None:
    try:
        answer = ask(body).answer
    except TidegateError as error:
        answer = refusal(error)
    assert answer.status == 200 or 400 <= answer.status < 500
    found = strict(answer.body)
    assert ("predictions" in found) == (answer.status == 200)


@settings(max_examples=60, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_whatever_the_contract_allows_is_answered(value: float) -> None:
    free = replace(CONTRACT, columns=(Column("gusts", "float"),))
    model = predictor(free, lambda x: np.repeat(np.float32(x * 1e30), 2, axis=1))
    with np.errstate(over="ignore"):
        outcome = model.predict(records({"gusts": value}), id="q", at=AT)
    assert outcome.answer.status in (200, 422)


def test_a_refusal_never_repeats_a_value() -> None:
    secret = "Jane Doe, 4 Elm Street"
    for row in ({**ROW, "wind": secret}, {**ROW, "boats": secret}, {**ROW, "holiday": secret}):
        with pytest.raises(RequestError) as caught:
            ask(records(row))
        assert b"Jane" not in refusal(caught.value).body
    assert base64.b64encode(secret.encode()) not in refusal(caught.value).body
