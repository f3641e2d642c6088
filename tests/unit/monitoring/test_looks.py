"""Looks: too little is no answer, shifts are found, broken data are told from drift."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes import weather
from tests.fakes.weather import CONTRACT, DAY_ROWS, NOON
from tidegate.monitoring.look import look
from tidegate.monitoring.report import look_to_json
from tidegate.monitoring.values import Evidence, Limits, Look
from tidegate.registry.values import DriftReport
from tidegate.windows.values import Label, Reference, Window

LIMITS = Limits(
    min_rows=100,
    confirm=2,
    of=3,
    effect_floor=0.05,
    max_null_rate_rise=0.2,
    max_performance_drop=0.1,
)
REFERENCE = weather.reference()
BARE = weather.without_blocks(REFERENCE)


def see(
    frame: weather.Frame,
    *,
    reference: Reference = REFERENCE,
    limits: Limits = LIMITS,
    previous: tuple[DriftReport, ...] = (),
) -> Look:
    return see_window(
        weather.window(reference, frame), reference=reference, limits=limits, previous=previous
    )


def see_window(
    window: Window,
    *,
    reference: Reference = REFERENCE,
    limits: Limits = LIMITS,
    previous: tuple[DriftReport, ...] = (),
) -> Look:
    evidence = Evidence(window, previous=previous)
    return look(evidence, contract=CONTRACT, reference=reference, limits=limits, at=NOON)


def usual(seed: int = 5, rows: int = DAY_ROWS) -> weather.Frame:
    return weather.day(np.random.default_rng(seed), rows)


def first(frame: weather.Frame, rows: int) -> weather.Frame:
    return {name: values[:rows] for name, values in frame.items()}


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_less_than_the_minimum_is_insufficient_data(rows: int) -> None:
    found = see(first(usual(), rows))
    assert found.report.verdict == "insufficient_data"
    assert found.report.rows == rows
    assert f"{rows} of 100 rows" in found.waiting
    assert not found.report.confirmed


def test_a_morning_is_not_judged_against_days() -> None:
    found = see(first(usual(), 200))
    assert found.report.verdict == "insufficient_data"
    assert "200 of 400 rows" in found.waiting


def test_a_quiet_day_is_judged_on_its_minimum() -> None:
    window = weather.window(REFERENCE, usual(rows=200))
    window = replace(window, start=NOON - timedelta(hours=24))
    assert see_window(window).report.verdict == "no_drift"


def test_without_time_in_the_data_the_minimum_is_enough() -> None:
    rng = np.random.default_rng(4)
    bare = weather.without_blocks(weather.reference(autocorrelated=False))
    frame = weather.day(rng, 150, autocorrelated=False)
    assert see(frame, reference=bare).report.verdict == "no_drift"


def test_an_ordinary_day_is_no_drift() -> None:
    found = see(usual())
    assert found.report.verdict == "no_drift"
    assert found.report.columns == ()
    assert 0 < found.report.score < 1


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("wind", lambda x, _: x + 12),
        ("hour", lambda x, _: np.minimum(x, 9)),
        ("harbour", lambda x, _: np.where(x == 0, 2.0, x)),
        ("(score)", lambda x, _: 1 - x / 10),
    ],
    ids=["shifted", "squeezed", "mixed otherwise", "score alone"],
)
def test_a_known_shift_is_found_and_named(column: str, change: object) -> None:
    frame = usual()
    found = see({**frame, column: change(frame[column], frame)})  # type: ignore[operator]
    assert found.report.verdict == "drift"
    assert found.report.columns[0] == column
    assert found.report.score > 1


def test_false_alarms_stay_within_the_stated_rate_on_days_that_differ() -> None:
    looks = 0
    alarms = 0
    for seed in range(8):
        reference = weather.reference(seed=100 + seed, days=40)
        rng = np.random.default_rng(900 + seed)
        for _ in range(40):
            found = see(weather.day(rng), reference=reference)
            alarms, looks = alarms + (found.report.verdict == "drift"), looks + 1
    assert looks == 320
    assert alarms <= 6  # 0.5 % stated; 6 of 320 would be a 99.9 % surprise at that rate


def test_false_alarms_stay_within_the_stated_rate_without_blocks() -> None:
    reference = weather.without_blocks(weather.reference(autocorrelated=False))
    rng = np.random.default_rng(77)
    verdicts = [
        see(weather.day(rng, 300, autocorrelated=False), reference=reference).report.verdict
        for _ in range(60)
    ]
    assert verdicts.count("drift") <= 3


def test_a_column_turned_null_is_a_data_fault_that_names_it() -> None:
    frame = usual()
    found = see({**frame, "wind": np.full_like(frame["wind"], np.nan)})
    assert found.report.verdict == "drift"
    rate = REFERENCE.columns["wind"].counts.missing / REFERENCE.columns["wind"].counts.total
    assert found.report.data_fault == f"wind: 100.0% of the values are null, {rate:.1%} in training"
    assert all(math.isfinite(c.ratio) for c in found.columns)


def test_a_column_that_is_missing_from_the_window_counts_as_null() -> None:
    window = weather.window(REFERENCE, usual())
    window = replace(window, columns={n: c for n, c in window.columns.items() if n != "wind"})
    assert see_window(window).report.data_fault.startswith("wind: 100.0%")


def test_days_without_a_measurement_are_usual_where_training_had_such_days() -> None:
    frame = usual()
    found = see({**frame, "gust": np.full_like(frame["gust"], np.nan)})
    assert found.report.data_fault == ""
    assert found.report.verdict == "no_drift"


def test_values_outside_every_known_category_are_a_data_fault() -> None:
    frame = usual()
    found = see({**frame, "harbour": np.full_like(frame["harbour"], 4.0)})
    assert found.report.data_fault.startswith("harbour: 100.0% of the values are outside every")


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [("harbour", 1.0, "'south'"), ("holiday", 1.0, "true"), ("hour", 6.0, "about 6")],
)
def test_a_column_turned_constant_is_a_data_fault(column: str, value: float, text: str) -> None:
    frame = usual()
    found = see({**frame, column: np.full_like(frame[column], value)}, reference=BARE)
    assert found.report.data_fault.startswith(f"{column}: every value is {text}")


def test_many_values_beyond_the_range_of_training_are_drift_and_no_fault() -> None:
    frame = usual()
    found = see({**frame, "wind": frame["wind"] * 0 + 60 + frame["hour"]})
    assert found.report.verdict == "drift"
    assert found.report.data_fault == ""


def test_a_column_constant_in_training_has_finite_ratios() -> None:
    frame = usual()
    same = {c.column: c for c in see(frame).columns}["fleet"]
    moved = {c.column: c for c in see({**frame, "fleet": frame["fleet"] + 1}).columns}["fleet"]
    assert same.ratio == 0
    assert math.isfinite(moved.ratio)
    assert moved.drifted


def report(verdict: str, minute: int, release: str = "r-3") -> DriftReport:
    moment = (NOON - timedelta(minutes=minute)).isoformat()
    return DriftReport("ferry-delay", moment, verdict, False, 0, (), 0, release=release)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("previous", "confirmed"),
    [
        ([], False),
        (["drift"], True),
        (["no_drift", "drift"], True),
        (["no_drift", "no_drift", "drift"], False),
        (["insufficient_data", "insufficient_data", "drift"], True),
    ],
    ids=["first finding", "second", "two of three", "too long ago", "looks without evidence"],
)
def test_drift_is_confirmed_by_m_of_the_last_n_looks_with_evidence(
    previous: list[str], confirmed: bool
) -> None:
    frame = usual()
    earlier = tuple(report(verdict, i) for i, verdict in enumerate(previous))
    found = see({**frame, "wind": frame["wind"] + 12}, previous=earlier)
    assert found.report.confirmed is confirmed


def test_findings_of_another_release_confirm_nothing() -> None:
    frame = usual()
    others = (report("drift", 1, "r-2"), report("drift", 2, "r-2"))
    assert not see({**frame, "wind": frame["wind"] + 12}, previous=others).report.confirmed


def test_the_same_look_gives_the_same_report() -> None:
    frame = usual()
    assert look_to_json(see(frame, reference=BARE)) == look_to_json(see(frame, reference=BARE))


def test_a_look_tells_how_many_rows_have_a_label_and_how_late() -> None:
    window = weather.window(BARE, usual())
    told = tuple(
        Label("iris", 2, "r-2", f"q{i}", 0, NOON, NOON + timedelta(hours=i), (0.5,), "late")
        for i in range(1, 11)
    )
    evidence = Evidence(window, labels=told, served=40, labelled=10)
    found = look(evidence, contract=CONTRACT, reference=BARE, limits=LIMITS, at=NOON)
    content, answer = json.loads(look_to_json(found)), found.to_answer()
    for shown in (content, answer):
        assert shown["label_coverage"] == 0.25
        assert shown["label_delay"] == {"median": 5 * 3600.0, "p90": 9 * 3600.0}
    assert see(usual()).to_answer()["label_delay"] is None


def test_the_report_is_strict_json_with_every_column() -> None:
    content = json.loads(look_to_json(see(usual())))
    assert {c["column"] for c in content["columns"]} == set(CONTRACT.column_names)
    assert set(content["columns"][0]) >= {"distance", "threshold", "ratio", "null_rate", "fault"}
    assert content["score"]["column"] == "(score)"
