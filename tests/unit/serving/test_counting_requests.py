"""Counting: an open window holds exactly what was answered, and is flushed in time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import (
    AT,
    CONTRACT,
    MULTICLASS,
    NOON,
    REGRESSION,
    ROW,
    SERVED,
    predictor,
    records,
)
from tidegate.contract import Contract
from tidegate.errors import PayloadTooLargeError
from tidegate.serving.answers import failure, refusal
from tidegate.serving.counting import Closed, OpenWindow
from tidegate.serving.flushing import MOST_VALUES, flush_text, histogram
from tidegate.serving.predictor import Outcome
from tidegate.serving.row_counts import RowCounts
from tidegate.serving.times import Times
from tidegate.stats.design_effect import effective_rows
from tidegate.windows.binning import make_bins, score_bins, summarize
from tidegate.windows.codec import decode_line
from tidegate.windows.loss import lost_requests
from tidegate.windows.values import Counts, Reference, Window

WINDS = np.linspace(0, 60, 101)


def reference_of(contract: Contract) -> Reference:
    """Columns in another order than the contract's, as sorted JSON has them."""
    seen = {"wind": WINDS, "gusts": WINDS, "boats": np.arange(9), "harbour": [0, 1], "holiday": [0]}
    columns = {
        c.name: summarize(make_bins(seen[c.name], c), seen[c.name]) for c in contract.columns
    }
    score = summarize(score_bins(contract.task, WINDS), WINDS / 60)
    return Reference(dict(sorted(columns.items())), score, {}, {}, 1)


def opened(contract: Contract = CONTRACT) -> OpenWindow:
    return OpenWindow(SERVED, reference_of(contract), contract=contract)


def outcome(*winds: float | None, contract: Contract = CONTRACT) -> Outcome:
    rows = [{**ROW, "wind": wind} for wind in winds]
    return predictor(contract).predict(records(*rows), id="q", at=AT)


def closed(window: OpenWindow, at: float = AT) -> Window:
    return window.close(id="w", at=at).window


def test_rows_scores_and_labels_are_counted_where_they_belong() -> None:
    window = opened()
    window.count(outcome(6.0, 54.0, None), milliseconds=5.0, at=AT)
    found = closed(window)

    assert (found.model, found.version, found.release) == ("ferry-delay", 3, "r-3")
    assert (found.requests, found.rows, found.rejected, found.cold_starts) == (1, 3, 0, 1)
    assert found.labels == {"on time": 2, "late": 1}
    assert [i for i, n in enumerate(found.score.cells) if n] == [0, 9, 89]
    assert found.columns["wind"].missing == 1
    assert found.columns["harbour"] == Counts((0, 3, 0))
    assert found.columns["holiday"] == Counts((3, 0))
    assert {counts.total for counts in found.columns.values()} == {3}
    assert found.latency_ms == (0, 0, 1, *[0] * 9)


def test_multiclass_counts_the_top_score_and_regression_the_value() -> None:
    window = opened(MULTICLASS)
    window.count(outcome(60.0, contract=MULTICLASS), milliseconds=1, at=AT)
    assert closed(window).score.cells[-1] == 1

    window = opened(REGRESSION)
    window.count(outcome(30.0, contract=REGRESSION), milliseconds=1, at=AT)
    assert closed(window).score.total == 1
    assert closed(window).labels == {}


def test_refusals_failures_and_unanswerable_rows_are_told_apart() -> None:
    window = opened()
    bad = predictor(score=lambda x: np.full((len(x), 2), np.nan, np.float32))
    window.count(Outcome(refusal(PayloadTooLargeError("x"))), milliseconds=1, at=AT)
    window.count(Outcome(failure()), milliseconds=1, at=AT)
    window.count(bad.predict(records(ROW, ROW), id="q", at=AT), milliseconds=1, at=AT)
    found = closed(window)

    assert (found.requests, found.rejected, found.errors) == (3, 1, 1)
    assert (found.rows, found.invalid, found.score.total) == (2, 2, 0)
    assert found.answered == 1


def test_the_sums_over_requests_say_how_many_rows_are_worth() -> None:
    window, rng = opened(), np.random.default_rng(0)
    scores = []
    for _ in range(30):
        winds = rng.uniform(0, 60) * np.linspace(0.9, 1.0, 10)
        one = outcome(*winds.tolist())
        scores.append(np.asarray(one.scores))
        window.count(one, milliseconds=1, at=AT)
    found = closed(window)

    mean = np.array([s.mean() for s in scores])
    assert found.clusters[:2] == pytest.approx((3000, 10 * mean.sum()))
    assert found.clusters[2] == pytest.approx((10 * mean**2).sum())
    worth = effective_rows(found.clusters, requests=found.answered, rows=found.score.total)
    assert 29 < worth < 40


@pytest.mark.parametrize("most", [1, 4, 7, 20])
def test_binning_in_between_changes_nothing(most: int) -> None:
    early, late = opened(), opened()
    early._row_counts = RowCounts(reference_of(CONTRACT), CONTRACT, most=most)
    winds = np.random.default_rng(1).uniform(0, 60, 40)
    for some in np.split(winds, [1, 3, 4, 20, 21]):
        for window in (late, early):
            window.count(outcome(*some.tolist()), milliseconds=1, at=AT)
            window._take()  # else all would wait to be taken together
    one, other = closed(early), closed(late)
    assert one.clusters == pytest.approx(other.clusters)  # sums of floats, in another order
    assert replace(one, clusters=other.clusters) == other


def test_a_container_flushes_in_its_first_request_and_then_when_time_is_up() -> None:
    window = opened()
    assert not window.is_due(AT)
    window.count(outcome(1.0), milliseconds=1, at=AT)
    assert window.is_due(AT)
    closed(window)
    window.clear()

    later = AT + 500
    assert not window.is_due(later)
    window.count(outcome(1.0), milliseconds=1, at=later)
    assert not window.is_due(later + 59.9)
    assert window.is_due(later + 60)
    found = closed(window, later + 60)
    assert (found.start, found.requests, found.cold_starts) == (NOON + timedelta(seconds=500), 1, 0)


@pytest.mark.parametrize("back", [1, 3600])
def test_a_clock_that_is_set_back_makes_a_window_due(back: float) -> None:
    window = opened()
    window.count(outcome(1.0), milliseconds=1, at=AT)
    closed(window)
    window.clear()

    assert not window.count(outcome(1.0), milliseconds=1, at=AT + 500)
    now = AT + 500 - back
    assert window.count(outcome(1.0), milliseconds=1, at=now)
    found = closed(window, now)
    assert (found.start == found.end, found.requests) == (True, 2)
    assert not window.is_due(now)  # although the log may have refused it
    window.clear()

    assert not window.count(outcome(1.0), milliseconds=1, at=now)
    assert window.count(outcome(1.0), milliseconds=1, at=now + 60)


def test_a_probe_warms_the_container_and_is_not_counted() -> None:
    window = opened()
    window.warm()
    assert not window.is_due(AT)
    window.count(outcome(1.0), milliseconds=1, at=AT)
    assert closed(window).cold_starts == 0


def test_rows_that_can_not_be_counted_leave_the_requests_counted() -> None:
    window = opened()
    window.count(outcome(1.0, 2.0), milliseconds=1, at=AT)
    window.count(Outcome(refusal(PayloadTooLargeError("x"))), milliseconds=1, at=AT)
    window.forfeit()
    window.forfeit()
    window.count(outcome(3.0), milliseconds=1, at=AT)
    found = closed(window)

    assert (found.requests, found.rejected, found.uncounted, found.rows) == (3, 1, 1, 1)
    assert found.score.total == found.columns["wind"].total == found.answered == 1


def test_without_a_readable_package_requests_are_still_counted() -> None:
    window = OpenWindow(SERVED, None)
    window.count(Outcome(failure()), milliseconds=9000, at=AT)
    found = closed(window)
    assert (found.requests, found.errors, found.columns, found.latency_ms[-1]) == (1, 1, {}, 1)


def test_a_flush_prints_the_window_and_its_metrics_in_two_lines() -> None:
    window = opened()
    window.count(outcome(6.0, 54.0), milliseconds=2.5, at=AT)
    whole = window.close(id="w", at=AT + 0.04)
    found, text = whole.window, flush_text(whole, env="dev")
    first, second = text.splitlines()

    assert text.endswith("\n")
    assert decode_line(first) == found
    metrics = json.loads(second)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Tidegate", [["Env", "Model"]])
    assert metrics["_aws"]["Timestamp"] == round(found.end.timestamp() * 1000)
    assert metrics["Latency"] == histogram([2.5])
    assert {"Env": "dev", "Model": "ferry-delay", "Rows": 2, "BilledMilliseconds": 3}.items() <= (
        metrics.items()
    )
    assert all(metric["Name"] in metrics for metric in directive["Metrics"])
    assert "kind" not in metrics


def test_many_windows_in_one_flush_are_one_line_each() -> None:
    wide = replace(
        closed(opened()), columns={f"c{i}": Counts(tuple(range(1000, 1064))) for i in range(900)}
    )
    lines = flush_text(Closed(wide), env="dev").splitlines()
    assert len(lines) > 2
    assert {decode_line(line).model for line in lines[:-1]} == {"ferry-delay"}


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=500))
def test_a_histogram_keeps_number_sum_and_ends(values: list[float]) -> None:
    found = histogram(values)
    assert isinstance(found, dict)
    rounded = np.array(values).round(3)
    assert len(found["Values"]) == len(found["Counts"]) <= MOST_VALUES
    assert sum(found["Counts"]) == found["Count"] == len(values)
    assert np.dot(found["Values"], found["Counts"]) == pytest.approx(rounded.sum())
    assert (found["Values"][0], found["Values"][-1]) == (rounded.min(), rounded.max())
    assert (found["Min"], found["Max"]) == (rounded.min(), rounded.max())


def test_a_histogram_of_many_values_keeps_the_percentiles() -> None:
    found = histogram([float(i) for i in range(10_000, -1, -1)])
    assert isinstance(found, dict)
    assert len(found["Values"]) == 100
    assert sum(found["Counts"]) == found["Count"] == 10_001
    assert np.dot(found["Values"], found["Counts"]) == pytest.approx(found["Sum"])
    spelled = np.repeat(found["Values"], found["Counts"])
    assert np.percentile(spelled, [50, 99]) == pytest.approx([5000, 9900], abs=102)
    assert histogram([]) == []


def test_each_request_is_billed_by_the_started_millisecond() -> None:
    window = opened()
    for milliseconds in (0.2, 1.0, 1.001):
        window.count(Outcome(failure()), milliseconds=milliseconds, at=AT)
    assert window.close(id="w", at=AT).billed_ms == 1 + 1 + 2


def test_categories_that_the_contract_does_not_list_are_counted() -> None:
    window = opened()
    rows = [{**ROW, "harbour": name} for name in ("west", "north", "east")]
    window.count(predictor().predict(records(*rows), id="q", at=AT), milliseconds=1, at=AT)
    found = window.close(id="w", at=AT)
    assert found.unknown == 2
    assert found.window.columns["harbour"].cells == (1, 0, 2)


def test_many_rows_or_requests_make_a_window_due() -> None:
    rows, requests = (OpenWindow(SERVED, None, flush_rows=4) for _ in range(2))
    for window in (rows, requests):
        window.count(outcome(1.0), milliseconds=1, at=AT)
        closed(window)
        window.clear()
    rows.count(outcome(1.0, 2.0, 3.0), milliseconds=1, at=AT)
    assert not rows.is_due(AT)
    rows.count(outcome(1.0), milliseconds=1, at=AT)
    assert rows.is_due(AT)

    for _ in range(4):
        assert not requests.is_due(AT)
        requests.count(Outcome(failure()), milliseconds=1, at=AT)
    assert requests.is_due(AT)


@pytest.mark.parametrize("most", [1, 63, 64, 65, 130, 1000])
@pytest.mark.parametrize("rows", [1, 3, 20])
def test_requests_that_wait_make_a_window_due_in_time(rows: int, most: int) -> None:
    window = OpenWindow(SERVED, reference_of(CONTRACT), contract=CONTRACT, flush_rows=most)
    one = outcome(*[1.0] * rows)
    window.count(one, milliseconds=1, at=AT)
    closed(window)
    window.clear()

    wanted = -(-most // rows)
    due = [window.count(one, milliseconds=1, at=AT) for _ in range(wanted)]
    assert due == [False] * (wanted - 1) + [True]
    found = closed(window)
    assert (found.requests, found.rows) == (wanted, wanted * rows)
    assert found.score.total == found.columns["wind"].total == wanted * rows
    assert found.clusters[0] == wanted * rows**2


def test_times_are_counted_alike_before_and_after_they_are_folded() -> None:
    times = Times()
    told = [0.2, 1.0, 1.001, 4999.9, 5000.0, 5000.1]
    for count, millisecond in enumerate(told, start=1):
        times.single.append(millisecond)
        before = times.counts(), times.billed()
        times.fold()
        assert (times.counts(), times.billed()) == before
        assert (sum(times.counts()), times.single) == (count, [])
    assert times.counts() == (2, 1, *[0] * 7, 0, 2, 1)
    assert times.billed() == 1 + 1 + 2 + 5000 + 5000 + 5001


def test_a_window_tells_what_its_container_counted_before() -> None:
    window, found = opened(), []
    for name in ("a", "b", "c"):
        window.count(outcome(1.0), milliseconds=1, at=AT)
        window.count(Outcome(failure()), milliseconds=1, at=AT)
        found.append(window.close(id=name, at=AT).window)
        window.clear()
    assert [(one.container, one.earlier) for one in found] == [("a", 0), ("a", 2), ("a", 4)]
    assert lost_requests(found) == 0
    assert lost_requests([found[0], found[2]]) == 2


def test_what_was_not_printed_is_told_in_the_next_window() -> None:
    window = opened()
    window.count(outcome(1.0), milliseconds=1, at=AT)
    closed(window)  # and the log refused it
    window.forfeit()
    window.count(outcome(1.0), milliseconds=1, at=AT)
    found = window.close(id="x", at=AT)
    assert (found.window.requests, found.window.earlier, found.window.uncounted) == (2, 0, 1)
    assert len(found.latencies) == 1


def test_a_container_that_can_not_print_does_not_grow() -> None:
    window = opened()
    for _ in range(50):
        window.count(outcome(1.0, 2.0), milliseconds=1, at=AT)
        window.forfeit()
    kept = window._row_counts._kept
    assert (window._times.single, kept.rows, kept.sizes) == ([], 0, [])
    assert closed(window).requests == 50
