"""Distances against scipy on the same histograms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from tidegate.stats.distances import jensen_shannon, ks, wasserstein

RNG = np.random.default_rng(7)
CENTERS = np.sort(RNG.normal(size=40))


def histogram(cells: int = 40) -> np.ndarray:
    return RNG.multinomial(500, RNG.dirichlet(np.full(cells, 0.3))).astype(float)


def test_wasserstein_is_that_of_scipy_in_units_of_the_scale() -> None:
    p, q = histogram(), histogram()
    expected = stats.wasserstein_distance(CENTERS, CENTERS, p, q)
    assert float(wasserstein(p, q, centers=CENTERS, scale=2.5)) == pytest.approx(expected / 2.5)


def test_wasserstein_compares_histograms_over_different_cells() -> None:
    other = np.sort(np.concatenate([CENTERS[:5], RNG.normal(size=12)]))
    p, q = histogram(), histogram(17)
    found = wasserstein(p, q, centers=CENTERS, q_centers=other)
    assert float(found) == pytest.approx(stats.wasserstein_distance(CENTERS, other, p, q))


def test_jensen_shannon_is_that_of_scipy_in_bits() -> None:
    p, q = histogram(), histogram()
    assert float(jensen_shannon(p, q)) == pytest.approx(jensenshannon(p, q, base=2))


def test_ks_is_the_largest_gap_of_the_distribution_functions() -> None:
    p, q = histogram(), histogram()
    first, second = np.repeat(np.arange(40), p.astype(int)), np.repeat(np.arange(40), q.astype(int))
    assert float(ks(p, q)) == pytest.approx(stats.ks_2samp(first, second).statistic)


@pytest.mark.parametrize("distance", [jensen_shannon, ks])
def test_leading_axes_broadcast(distance: object) -> None:
    p, many = histogram(), np.stack([histogram() for _ in range(5)])
    found = distance(p, many)  # type: ignore[operator]
    assert found.shape == (5,)
    assert found.tolist() == [pytest.approx(float(distance(p, q))) for q in many]  # type: ignore[operator]


def test_only_proportions_matter_and_equal_ones_have_no_distance() -> None:
    p = histogram()
    assert float(jensen_shannon(p, 3 * p)) == pytest.approx(0, abs=1e-7)
    assert float(wasserstein(p, 3 * p, centers=CENTERS)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("p", "q", "told"),
    [
        ([0, 0], [1, 1], "p counts nothing"),
        ([1, 1], [1, -1], "q must hold counts"),
        ([1, 1], [1, 1, 1], "cells"),
        ([], [1], "p has no cells"),
        ([np.nan, 1], [1, 1], "p must hold counts"),
    ],
)
def test_histograms_that_are_none_are_refused(p: list[float], q: list[float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        jensen_shannon(p, q)


@pytest.mark.parametrize(
    ("centers", "scale", "told"),
    [
        ([2.0, 1.0], 1.0, "increasing"),
        ([1.0, 2.0], 0.0, "scale must be > 0"),
        ([1.0, 2.0], float("nan"), "scale must be > 0"),
        ([1.0, 2.0, 3.0], 1.0, "number of cells"),
        ([1.0, float("inf")], 1.0, "finite"),
    ],
)
def test_centers_and_scale_are_checked(centers: list[float], scale: float, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        wasserstein([1, 1], [1, 1], centers=centers, scale=scale)
