"""Rows are binned while others come: all of them are counted, and none waits for many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import AT, SERVED
from tidegate.contract import Column, Contract, Target
from tidegate.scoring.session import Matrix
from tidegate.serving.answers import success
from tidegate.serving.counting import OpenWindow
from tidegate.serving.kept_rows import KeptRows
from tidegate.serving.predictor import Outcome
from tidegate.serving.row_counts import RowCounts
from tidegate.windows import binning
from tidegate.windows.binning import make_bins, score_bins, summarize
from tidegate.windows.values import Reference

COLUMNS = tuple(Column(f"c{i}", "float") for i in range(20))
CONTRACT = Contract("m", "binary", COLUMNS, Target("late", ("no", "yes")))
_SEEN = np.linspace(-2, 2, 101)
_BINNED = {c.name: summarize(make_bins(_SEEN, c), _SEEN) for c in COLUMNS}
_SCORE = summarize(score_bins("binary", abs(_SEEN) / 2), abs(_SEEN) / 2)
REFERENCE = Reference(_BINNED, _SCORE, {}, {}, 1)


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Have a block of 100 rows binned in ten parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binning, "PART_VALUES", 200)
        yield


def rows_of(count: int, seed: int = 0) -> Matrix:
    return np.random.default_rng(seed).normal(size=(count, len(COLUMNS))).astype(np.float32)


def filled(sizes: list[int], *, most: int) -> RowCounts:
    counts = RowCounts(REFERENCE, CONTRACT, most=most)
    for seed, size in enumerate(sizes):
        rows = rows_of(size, seed)
        counts.ask(rows)
        counts.answer(abs(rows[:, 0]) % 1, (rows[:, 1] > 0).astype(np.int8), [size])
    return counts


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 60))
def test_every_row_is_counted_once(sizes: list[int], most: int) -> None:
    counts, whole = filled(sizes, most=most), filled(sizes, most=10_000)
    for each in (counts, whole):
        each.finish()
    assert (counts.columns, counts.score, counts.labels) == (
        whole.columns,
        whole.score,
        whole.labels,
    )
    assert {cells.total for cells in counts.columns.values()} == {sum(sizes)}
    assert counts.clusters == pytest.approx(whole.clusters)


def test_what_was_cleared_is_not_counted() -> None:
    counts = filled([30] * 10, most=100)
    counts.clear()
    counts.finish()
    assert {cells.total for cells in counts.columns.values()} == {0}
    assert (counts.score.total, counts.labels, counts.clusters) == (0, {}, (0, 0, 0, 0))


def test_no_request_waits_for_more_than_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    look = binning.Tallies._look

    def counted(self: binning.Tallies, column: Matrix, j: int) -> object:
        looked.append(column.size)
        return look(self, column, j)

    monkeypatch.setattr(binning.Tallies, "_look", counted)
    counts, waits = RowCounts(REFERENCE, CONTRACT, most=100), []
    for seed in range(120):
        rows = rows_of(5, seed)
        counts.ask(rows)
        counts.answer(abs(rows[:, 0]) % 1, (rows[:, 1] > 0).astype(np.int8), [5])
        waits.append(sum(looked))
        looked.clear()
    assert max(waits) == 200  # a part, of 2,000 that are full
    assert sum(waits) == 500 * (len(COLUMNS) + 1)  # as many as came, and their scores


def test_a_request_of_more_rows_than_are_kept_is_counted_too() -> None:
    counts = filled([10, 500, 10], most=100)
    counts.finish()
    assert {cells.total for cells in counts.columns.values()} == {520}


def test_a_long_request_leaves_no_long_wait_behind() -> None:
    kept = KeptRows(most=100)
    kept.ask(rows_of(500))
    assert kept.fills(1)
    assert kept.share == 1
    kept.clear()
    kept.ask(rows_of(60))
    assert (kept.fills(40), kept.fills(41), kept.share) == (False, True, 0.6)


def test_of_wide_rows_fewer_wait() -> None:
    waited = []
    for columns in (20, 200):
        contract = Contract(
            "m", "regression", tuple(Column(f"c{i}", "float") for i in range(columns)), Target("y")
        )
        window = OpenWindow(SERVED, None, contract=contract)
        rows = np.zeros((50, columns), np.float32)
        outcome = Outcome(success({}), 50, rows, np.zeros(50))
        window.count(outcome, milliseconds=1, at=AT)  # the first is flushed at once
        window.close(id="w", at=AT)
        window.clear()
        for count in range(1, 100):
            window.count(outcome, milliseconds=1, at=AT)
            if not window._waiting:
                waited.append(count * 50)
                break
    assert waited == [300, 250]
