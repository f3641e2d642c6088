"""Merging adds, so order and grouping do not matter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.windows import REFERENCE, window, windows
from tidegate.errors import CorruptRecordError
from tidegate.windows.merge import merge
from tidegate.windows.values import Counts, Window


def same(first: Window, second: Window) -> bool:
    assert first.clusters == pytest.approx(second.clusters, rel=1e-12)
    return replace(first, clusters=second.clusters) == second


@settings(max_examples=30)
@given(windows(), windows())
def test_merging_commutes(a: Window, b: Window) -> None:
    assert merge([a, b], REFERENCE) == merge([b, a], REFERENCE)


@settings(max_examples=30)
@given(windows(), windows(), windows())
def test_merging_associates(a: Window, b: Window, c: Window) -> None:
    left = merge([merge([a, b], REFERENCE), c], REFERENCE)
    right = merge([a, merge([b, c], REFERENCE)], REFERENCE)
    assert same(left, right)
    assert same(left, merge([a, b, c], REFERENCE))


@settings(max_examples=30)
@given(st.lists(windows(), min_size=1, max_size=5))
def test_nothing_is_lost_and_nothing_is_counted_twice(parts: list[Window]) -> None:
    whole = merge(parts, REFERENCE)
    assert whole.rows == sum(part.rows for part in parts)
    assert whole.score.total == sum(part.score.total for part in parts)
    assert sum(whole.labels.values()) == sum(sum(part.labels.values()) for part in parts)
    for name in REFERENCE.columns:
        counted = [part.columns[name].total for part in parts if name in part.columns]
        assert whole.columns[name].total == sum(counted)
    assert (whole.start, whole.end) == (min(p.start for p in parts), max(p.end for p in parts))


def test_a_column_that_nobody_counted_has_zeros() -> None:
    found = merge([replace(window(), columns={}, score=Counts(()), latency_ms=())], REFERENCE)
    assert found.columns["harbour"] == Counts((0, 0))
    assert found.score == Counts((0, 0))
    assert len(found.latency_ms) == 12


@pytest.mark.parametrize(
    "other",
    [{"model": "iris"}, {"version": 4}, {"release": "r-4"}],
    ids=["model", "version", "release"],
)
def test_windows_of_different_origin_are_not_merged(other: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="several models, versions or releases"):
        merge([window(), replace(window(), **other)], REFERENCE)  # type: ignore[arg-type]


def test_no_windows_are_no_window() -> None:
    with pytest.raises(ValueError, match="no window"):
        merge([], REFERENCE)


@pytest.mark.parametrize(
    "odd",
    [
        {"columns": {"wind": Counts((1, 2))}},
        {"columns": {"tide": Counts((1,))}},
        {"score": Counts((1,))},
    ],
    ids=["other cells", "other column", "other score"],
)
def test_cells_that_are_not_the_references_are_refused(odd: dict[str, object]) -> None:
    with pytest.raises(CorruptRecordError, match=r"wind|tide|score"):
        merge([window(), replace(window(), **odd)], REFERENCE)  # type: ignore[arg-type]


def test_answered_requests_are_those_whose_rows_are_counted() -> None:
    found = replace(window(), requests=10, rejected=3, errors=2, uncounted=1)
    assert found.answered == 4
