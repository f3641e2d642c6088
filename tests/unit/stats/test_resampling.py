"""The bootstrap keeps the error rates that it states."""

from __future__ import annotations

import numpy as np
import pytest

from tidegate.stats.bootstrap import (
    distance_interval,
    max_t_thresholds,
    null_distances,
    resample,
)
from tidegate.stats.distances import jensen_shannon, wasserstein

P = np.array([5, 20, 50, 20, 5], dtype=float)


def far(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return wasserstein(p, q, centers=np.arange(5.0))


def test_the_same_seed_draws_the_same() -> None:
    first, second = (
        resample(P, size=99, draws=4, rng=np.random.default_rng(5)).tolist() for _ in range(2)
    )
    assert first == second


def test_an_effective_size_is_rounded_down_to_at_least_one_row() -> None:
    rng = np.random.default_rng(0)
    assert resample(P, size=7.9, draws=2, rng=rng).sum(axis=1).tolist() == [7.0, 7.0]
    assert resample(P, size=0.2, draws=2, rng=rng).sum(axis=1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("sizes", [(2000, 300), (2000, 200_000)], ids=["few live", "many live"])
def test_a_threshold_rings_at_its_stated_rate_when_nothing_drifted(
    sizes: tuple[int, int],
) -> None:
    rng = np.random.default_rng(11)
    truth = P / P.sum()
    alarms = 0
    for _ in range(300):
        reference, live = rng.multinomial(sizes[0], truth), rng.multinomial(sizes[1], truth)
        nulls = null_distances(reference, far, sizes=sizes, draws=300, rng=rng)
        alarms += float(far(reference, live)) > max_t_thresholds(nulls[:, None], alpha=0.05)[0]
    assert 0.015 <= alarms / 300 <= 0.10  # 0.05, give or take what 300 trials can tell


def test_joint_thresholds_hold_over_columns_of_different_scale() -> None:
    rng = np.random.default_rng(3)
    draws = rng.gamma(2.0, size=(4000, 6)) * [1, 10, 100, 0.1, 5, 0]
    found = max_t_thresholds(draws, alpha=0.05)
    assert (draws > found).any(axis=1).mean() == pytest.approx(0.05, abs=0.005)
    rates = (draws > found).mean(axis=0)
    assert rates[:5].max() < 2 * rates[:5].min()
    assert found[5] == 0.0


def test_an_interval_covers_the_distance_of_the_sources() -> None:
    rng = np.random.default_rng(4)
    p, q = P / P.sum(), np.array([2, 10, 40, 33, 15]) / 100
    truth, hits = float(far(p, q)), 0
    for _ in range(200):
        seen = rng.multinomial(400, p), rng.multinomial(900, q)
        low, high = distance_interval(*seen, far, sizes=(400, 900), rng=rng, draws=300)
        hits += low <= truth <= high
    assert 0.90 <= hits / 200 <= 0.99


@pytest.mark.parametrize("rows", [4, 40])
def test_a_small_distance_of_few_rows_does_not_promise_a_small_distance(rows: int) -> None:
    rng = np.random.default_rng(6)
    p, q = P / P.sum(), np.array([2, 10, 40, 33, 15]) / 100
    truth, below = float(far(p, q)), 0
    for _ in range(150):
        seen = rng.multinomial(rows, p), rng.multinomial(900, q)
        _, high = distance_interval(*seen, far, sizes=(rows, 900), rng=rng, alpha=0.1, draws=200)
        below += high < truth
    assert below / 150 <= 0.12


def test_an_interval_of_equal_sources_reaches_down_to_zero() -> None:
    rng = np.random.default_rng(8)
    seen = rng.multinomial(500, P / 100), rng.multinomial(500, P / 100)
    low, _ = distance_interval(*seen, jensen_shannon, sizes=(500, 500), rng=rng)
    assert low == 0.0


@pytest.mark.parametrize("alpha", [0.0, 1.0, float("nan")])
def test_an_error_rate_must_lie_between_zero_and_one(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must lie between"):
        max_t_thresholds([[1.0]], alpha=alpha)


@pytest.mark.parametrize("nulls", [[], [1.0], [[np.nan]]])
def test_null_distances_must_be_a_finite_table(nulls: list[float]) -> None:
    with pytest.raises(ValueError, match="finite table"):
        max_t_thresholds(nulls, alpha=0.05)


def test_one_histogram_is_resampled_at_a_time() -> None:
    with pytest.raises(ValueError, match="one histogram"):
        resample([[1, 2], [3, 4]], size=3, draws=1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="draws must be at least 1"):
        resample([1, 2], size=3, draws=0, rng=np.random.default_rng(0))
