"""Intervals of proportions against scipy and published examples."""

from __future__ import annotations

import pytest
from scipy import stats

from tidegate.stats.intervals import newcombe, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (10, 10), (37, 1000), (0, 1)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_wilson_is_that_of_scipy(k: int, n: int, confidence: float) -> None:
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson(k, n, confidence=confidence) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_difference_is_that_of_newcombes_table(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(first, second) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(1, 0, 0.9), (3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1.0)]
)
def test_what_is_no_proportion_is_refused(k: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"no proportion|confidence must"):
        wilson(k, n, confidence=confidence)
