"""The design effect from four sums, against the textbook's one-way analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tidegate.stats.design_effect import Clusters, effective_rows, intraclass_correlation


def sums(requests: list[np.ndarray]) -> Clusters:
    return (
        float(sum(len(r) ** 2 for r in requests)),
        float(sum(r.sum() for r in requests)),
        float(sum(len(r) * r.mean() ** 2 for r in requests)),
        float(sum((r**2).sum() for r in requests)),
    )


def correlated(rng: np.random.Generator, rho: float, sizes: np.ndarray) -> list[np.ndarray]:
    return [
        0.5 + np.sqrt(rho) * rng.normal() + np.sqrt(1 - rho) * rng.normal(size=n) for n in sizes
    ]


def test_the_correlation_follows_from_the_f_statistic() -> None:
    rng = np.random.default_rng(1)
    requests = correlated(rng, 0.3, np.full(40, 8))
    f = stats.f_oneway(*requests).statistic
    expected = (f - 1) / (f + 8 - 1)
    found = intraclass_correlation(sums(requests), requests=40, rows=320)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("rho", [0.0, 0.1, 0.5, 0.9])
def test_the_correlation_is_found_in_requests_of_unequal_size(rho: float) -> None:
    rng = np.random.default_rng(2)
    sizes = rng.integers(1, 30, 3000)
    found = intraclass_correlation(
        sums(correlated(rng, rho, sizes)), requests=3000, rows=int(sizes.sum())
    )
    assert found == pytest.approx(rho, abs=0.02)


def test_effective_rows_predict_the_spread_of_the_mean() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 20, 60)
    rows = int(sizes.sum())
    means = [np.concatenate(correlated(rng, 0.4, sizes)).mean() for _ in range(4000)]
    many = rng.integers(1, 20, 5000)
    rho = intraclass_correlation(
        sums(correlated(rng, 0.4, many)), requests=5000, rows=int(many.sum())
    )
    worth = rows / (1 + (float((sizes**2).sum()) / rows - 1) * rho)
    assert 1 / np.var(means) == pytest.approx(worth, rel=0.08)


def test_single_rows_are_worth_themselves() -> None:
    requests = [np.array([x]) for x in np.random.default_rng(4).normal(size=50)]
    assert effective_rows(sums(requests), requests=50, rows=50) == 50.0


def test_one_request_is_worth_one_row_unless_its_rows_are_equal() -> None:
    assert effective_rows(sums([np.arange(9.0)]), requests=1, rows=9) == 1.0
    assert effective_rows(sums([np.full(9, 0.1)]), requests=1, rows=9) == 9.0


def test_rounding_of_a_constant_score_is_no_variance() -> None:
    requests = [np.full(7, 1e6 + 0.1)] * 30
    assert effective_rows(sums(requests), requests=30, rows=210) == 210.0


def test_rows_that_avoid_each_other_are_worth_no_more_than_themselves() -> None:
    requests = [np.array([-1.0, 1.0])] * 20
    assert effective_rows(sums(requests), requests=20, rows=40) == 40.0


def test_no_rows_are_worth_nothing() -> None:
    assert effective_rows((0.0, 0.0, 0.0, 0.0), requests=0, rows=0) == 0.0


@pytest.mark.parametrize(
    ("clusters", "requests", "rows"),
    [
        ((4.0, 1.0, 1.0, 1.0), 3, 2),
        ((4.0, 1.0, 1.0, 1.0), 0, 2),
        ((1.0, 1.0, 1.0, 1.0), 1, 2),
        ((4.0, 1.0, 1.0, float("inf")), 1, 2),
        ((4.0, 1.0, -1.0, 1.0), 1, 2),
    ],
)
def test_sums_of_no_data_are_refused(clusters: Clusters, requests: int, rows: int) -> None:
    with pytest.raises(ValueError, match=r"rows can't|sums over requests"):
        intraclass_correlation(clusters, requests=requests, rows=rows)
