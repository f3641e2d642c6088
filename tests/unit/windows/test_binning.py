"""Binning: what is counted where, and that training and serving agree about it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.contract import Column
from tidegate.windows import binning
from tidegate.windows.binning import (
    BLOCK_ROWS,
    MAX_EDGES,
    Tallies,
    count,
    make_bins,
    score_bins,
    summarize,
)
from tidegate.windows.values import Bins, Counts

NUMBER = Column("wind", "float", nullable=True)
FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan])


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), max_size=80),
    st.lists(FLOATS, max_size=80),
)
def test_a_cell_holds_what_lies_above_its_lower_edge_up_to_its_upper(
    training: list[float], live: list[float]
) -> None:
    bins = make_bins(training, NUMBER)
    cells, missing = [0] * bins.cells, 0
    for value in live:
        if math.isnan(value):
            missing += 1
        else:
            cells[sum(value > edge for edge in bins.edges)] += 1
    assert count(bins, live) == Counts(tuple(cells), missing)


@given(
    st.lists(st.tuples(FLOATS, st.integers(0, 2), FLOATS), max_size=60),
    st.lists(st.floats(-1e6, 1e6, width=32), max_size=80),
    st.integers(0, 60),
)
def test_a_matrix_is_counted_as_its_columns_are(
    rows: list[tuple[float, int, float]], training: list[float], cut: int
) -> None:
    edges = make_bins(training, NUMBER)
    bins = {"wind": edges, "harbour": Bins(levels=("n", "s", "e")), "flag": Bins(edges=(0.0,))}
    matrix = np.array(rows, dtype=np.float32).reshape(-1, 3)
    tallies = Tallies(bins)
    tallies.add(matrix[:cut])
    tallies.add(matrix[cut:])
    by_column = zip(bins.items(), matrix.T, strict=True)
    assert tallies.counts() == {name: count(b, column) for (name, b), column in by_column}


def test_many_rows_are_counted_as_few_are() -> None:
    values = np.random.default_rng(0).normal(size=2 * BLOCK_ROWS + 1).astype(np.float32)
    values[::7] = np.nan
    bins = make_bins(values[:100], NUMBER)
    tallies = Tallies({"wind": bins})
    tallies.add(values[:, None])
    assert tallies.counts() == {"wind": count(bins, values)}


def test_parts_count_with_the_last_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binning, "PART_VALUES", 2 * BLOCK_ROWS)
    values = np.random.default_rng(0).normal(size=(BLOCK_ROWS + 1, 6)).astype(np.float32)
    bins = {f"c{j}": make_bins(values[:100, j], NUMBER) for j in range(6)}
    tallies, empty = Tallies(bins), Tallies(bins).counts()
    shares = []
    for share in tallies.parts(values.T.copy()):
        shares.append(share)
        assert (tallies.counts() == empty) == (share < 1)
    assert shares == [i / 6 for i in range(1, 7)]  # two blocks of rows, columns by twos
    assert tallies.counts() == {
        f"c{j}": count(b, values[:, j]) for j, b in enumerate(bins.values())
    }


def test_a_matrix_of_another_width_is_refused() -> None:
    tallies = Tallies({"wind": Bins(edges=(1.0,)), "gusts": Bins(edges=(1.0,))})
    for columns in (1, 3):
        with pytest.raises(ValueError, match=f"{columns} columns, not 2"):
            tallies.add(np.zeros((4, columns), np.float32))


@pytest.mark.parametrize("code", [-1.0, 0.5, 2.0, 3.0, math.inf, -math.inf])
def test_a_code_between_or_beyond_the_levels_is_refused(code: float) -> None:
    tallies = Tallies({"harbour": Bins(levels=("n", "s"))})
    matrix = np.array([[0.0], [math.nan], [1.0], [code]], dtype=np.float32)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        tallies.add(matrix)
    tallies.add(matrix[:3])
    assert tallies.counts() == {"harbour": Counts((1, 1), missing=1)}


def test_a_code_without_a_level_is_refused_and_nothing_is_counted() -> None:
    tallies = Tallies({"wind": Bins(edges=(1.0,)), "harbour": Bins(levels=("n",))})
    before = tallies.counts()
    with pytest.raises(ValueError, match="category code"):
        tallies.add(np.array([[0.5, 1.0]], dtype=np.float32))
    assert tallies.counts() == before


@example(training=[-3.4028234663852886e38])
@given(st.lists(FLOATS, max_size=300))
def test_edges_are_distinct_finite_and_at_most_64(training: list[float]) -> None:
    edges = make_bins(training, NUMBER).edges
    assert 1 <= len(edges) <= MAX_EDGES
    assert list(edges) == sorted(set(edges))
    assert all(math.isfinite(edge) for edge in edges)
    assert [float(np.float32(edge)) for edge in edges] == list(edges)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=300))
def test_the_outer_cells_hold_what_training_never_saw(training: list[float]) -> None:
    bins = make_bins(training, NUMBER)
    cells = count(bins, training).cells
    assert cells[0] == cells[-1] == 0
    low, high = np.float32(min(training)), np.float32(max(training))
    beyond = [np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))]
    assert sum(count(bins, beyond).cells[i] for i in (0, -1)) == 2


def test_edges_cut_a_continuous_column_into_equal_shares() -> None:
    column = np.random.default_rng(0).lognormal(size=100_000).astype(np.float32)
    bins = make_bins(column, NUMBER)
    shares = np.array(count(bins, column).cells[2:-1]) / 100_000
    assert len(bins.edges) == MAX_EDGES
    assert shares.max() < 1.05 / 62
    assert shares.min() > 0.95 / 62


def test_each_of_few_distinct_values_has_a_cell_of_its_own() -> None:
    hours = np.tile(np.arange(24.0), 50)
    bins = make_bins(hours, Column("hour", "integer"))
    assert count(bins, hours).cells == (0, *[50] * 24, 0)


@pytest.mark.parametrize("training", [[], [math.nan] * 3, [math.inf]], ids=str)
def test_a_column_without_any_number_can_still_be_counted(training: list[float]) -> None:
    reference = summarize(make_bins(training, NUMBER), training)
    assert reference.scale == 1.0
    assert count(reference.bins, [1.0, -1.0, math.nan]) == Counts((1, 1), 1)


def test_a_constant_column_shows_values_on_both_sides_of_it() -> None:
    reference = summarize(make_bins([5.0] * 9, NUMBER), [5.0] * 9)
    assert count(reference.bins, [4.9, 5.0, 5.1]).cells == (1, 1, 1)
    assert reference.scale == 1.0
    assert reference.centers == pytest.approx((4.0, 5.0, 6.0))


def test_booleans_and_levels_are_counted_by_code() -> None:
    flag = make_bins([], Column("holiday", "boolean", nullable=True))
    assert count(flag, [0, 1, 1, math.nan]) == Counts((1, 2), 1)

    column = Column("harbour", "category", categories=("n", "s"), nullable=True, unknown="map")
    bins = make_bins([0, 1, 3], column)
    assert bins.levels == column.levels
    assert count(bins, np.array([0, 1, 1, 2, 3, 3, 3], np.float32)).cells == (1, 2, 1, 3)


@pytest.mark.parametrize("code", [2.0, -1.0, 0.5, math.inf])
def test_a_code_without_a_level_is_refused(code: float) -> None:
    with pytest.raises(ValueError, match=r"not among 0\.\.1"), np.errstate(invalid="ignore"):
        count(Bins(levels=("n", "s")), [0.0, code])


def test_probabilities_are_counted_in_100_equal_cells() -> None:
    bins = score_bins("multiclass", [])
    scores = np.random.default_rng(1).random(200_000).astype(np.float32)
    cells = np.array(count(bins, scores).cells)
    assert len(cells) == 100
    assert cells.sum() == 200_000
    assert abs(cells - 2000).max() < 250
    assert count(bins, [0.0, 1.0]).cells[0] == count(bins, [0.0, 1.0]).cells[-1] == 1


def test_a_regression_is_scored_by_its_own_quantiles() -> None:
    assert score_bins("regression", [10.0, 20.0]).edges[1:] == (10.0, 20.0)


def test_a_summary_keeps_mean_scale_and_the_centers_of_cells() -> None:
    column = np.random.default_rng(2).normal(10, 3, 50_000).astype(np.float32)
    reference = summarize(make_bins(column, NUMBER), np.append(column, np.float32("nan")))
    cells = np.array(reference.counts.cells)

    assert reference.counts.missing == 1
    assert reference.scale == pytest.approx(3, rel=0.02)
    assert list(reference.centers) == sorted(reference.centers)
    assert (cells * reference.centers).sum() / cells.sum() == pytest.approx(column.mean(), rel=1e-5)


def test_a_table_is_no_column() -> None:
    with pytest.raises(ValueError, match="one-dimensional"):
        make_bins([[1.0]], NUMBER)
