"""Sampling: the same requests every time, and never a column that holds personal data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import AT, CONTRACT, NOON, REGRESSION, ROW, SERVED, predictor, records
from tidegate.clock import stamp
from tidegate.contract import Column, Contract
from tidegate.errors import RequestError
from tidegate.serving.answers import refusal
from tidegate.serving.counting import OpenWindow
from tidegate.serving.flushing import flush_text
from tidegate.serving.predictor import Outcome
from tidegate.serving.sampling import MAX_LINE, MAX_REQUESTS, MAX_ROWS, Sampler, is_sampled

NULLABLE = replace(
    CONTRACT,
    columns=(
        Column("wind", "float", nullable=True),
        Column("gusts", "float", nullable=True),
        Column("harbour", "category", categories=("north", "south"), unknown="map", nullable=True),
        Column("boats", "integer", nullable=True),
        Column("holiday", "boolean", nullable=True),
    ),
)


def sampled(*rows: dict[str, Any], contract: Contract = CONTRACT) -> dict[str, Any]:
    sampler = Sampler(contract, SERVED, share=1.0)
    outcome = predictor(contract).predict(records(*rows), id="q", at=AT)
    sampler.offer(outcome, id="q", at=AT)
    (line,) = sampler.lines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_sample_tells_rows_as_the_model_saw_them() -> None:
    found = sampled(ROW, {**ROW, "wind": 0.1, "harbour": "Jane's pier"})
    assert [row["features"] for row in found["sampled"]] == [
        {"wind": 12.5, "gusts": 1.0, "harbour": "south", "boats": 2, "holiday": False},
        {"wind": 0.1, "gusts": 1.0, "harbour": "(unknown)", "boats": 2, "holiday": False},
    ]
    assert [row["label"] for row in found["sampled"]] == ["on time", "on time"]
    scores = [row["score"] for row in found["sampled"]]
    assert scores == pytest.approx([12.5 / 60, 0.1 / 60])
    assert (found["kind"], found["request"], found["rows"]) == ("sample", "q", 2)
    assert (found["model"], found["version"], found["release"]) == ("ferry-delay", 3, "r-3")
    assert found["at"] == stamp(NOON)


def test_a_null_stays_null() -> None:
    found = sampled(dict.fromkeys(ROW), contract=NULLABLE)
    assert [row["features"] for row in found["sampled"]] == [dict.fromkeys(ROW)]


@given(
    st.sets(st.sampled_from([column.name for column in CONTRACT.columns])),
    st.floats(0, 60, width=32).map(lambda wind: wind + 0.0),
    st.integers(0, 2**24),
)
def test_no_personal_column_is_ever_told(personal: set[str], wind: float, boats: int) -> None:
    columns = tuple(replace(c, pii=c.name in personal) for c in CONTRACT.columns)
    contract = replace(CONTRACT, columns=columns)
    found = sampled({**ROW, "wind": wind, "boats": boats}, contract=contract)
    assert [set(row["features"]) for row in found["sampled"]] == [set(ROW) - personal]


def test_which_requests_are_sampled_follows_from_their_ids() -> None:
    ids = [f"request-{i}" for i in range(20_000)]
    chosen = [id for id in ids if is_sampled(id, share=0.1)]
    assert chosen == [id for id in ids if is_sampled(id, share=0.1)]
    assert len(chosen) / len(ids) == pytest.approx(0.1, abs=0.01)
    assert set(chosen) <= {id for id in ids if is_sampled(id, share=0.2)}
    assert not any(is_sampled(id, share=0.0) for id in ids)
    assert all(is_sampled(id, share=1.0) for id in ids)


def test_what_was_not_answered_is_not_sampled() -> None:
    sampler = Sampler(CONTRACT, SERVED, share=1.0)
    bad = predictor(score=lambda x: np.full((len(x), 2), np.nan, np.float32))
    sampler.offer(bad.predict(records(ROW), id="q", at=AT), id="q", at=AT)
    sampler.offer(Outcome(refusal(RequestError("x"))), id="q", at=AT)
    assert sampler.lines() == ()


def test_a_sample_is_bounded_in_rows_and_requests() -> None:
    found = sampled(*[ROW] * 50)
    assert (found["rows"], len(found["sampled"])) == (50, MAX_ROWS)

    sampler = Sampler(CONTRACT, SERVED, share=1.0)
    outcome = predictor().predict(records(ROW), id="q", at=AT)
    for _ in range(MAX_REQUESTS + 1):
        sampler.offer(outcome, id="q", at=AT)
    assert len(sampler.lines()) == MAX_REQUESTS


@pytest.mark.parametrize(("columns", "rows"), [(200, 20), (2_000, 5), (12_000, 0)])
def test_a_line_stays_below_its_bound(columns: int, rows: int) -> None:
    named = tuple(Column(f"feature_{i}", "float") for i in range(columns))
    sampler = Sampler(replace(CONTRACT, columns=named), SERVED, share=1.0)
    matrix = np.full((20, columns), 0.123456, np.float32)
    one = predictor().predict(records(ROW), id="q", at=AT)
    outcome = one._replace(features=matrix, scores=np.zeros(20), places=[1] * 20)
    sampler.offer(outcome, id="q", at=AT)
    assert [len(json.loads(line)["sampled"]) for line in sampler.lines()] == [rows][: bool(rows)]
    assert all(len(line) <= MAX_LINE for line in sampler.lines())


def test_samples_are_printed_with_the_window_and_then_forgotten() -> None:
    window = OpenWindow(SERVED, None, sampler=Sampler(CONTRACT, SERVED, share=1.0))
    outcome = predictor().predict(records(ROW), id="q", at=AT)
    window.count(outcome, milliseconds=1, at=AT, id="q")
    later = AT + 1
    lines = flush_text(window.close(id="q", at=later), env="dev").splitlines()
    assert [json.loads(line).get("kind", "") for line in lines] == ["window", "", "sample"]
    window.clear()
    assert window.close(id="r", at=later).samples == ()


def test_a_value_of_a_regression_has_no_label() -> None:
    row = sampled(ROW, contract=REGRESSION)["sampled"][0]
    assert (row["label"], row["score"]) == (None, pytest.approx(12.5 / 60))
