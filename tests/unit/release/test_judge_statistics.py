"""The judge's error rates: measured over seeds, against what the module states."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.release.sampling import NOON, batches, single_rows
from tidegate.project import ReleasePolicy
from tidegate.release.evidence import effect_size, score_shift
from tidegate.release.judge import Look, judge

ALPHA = 0.05
SEEDS = range(100)
# With a true rate of 5 %, 100 tries give more than 11 less than once in a hundred times.
MOST = 11


def test_without_a_shift_no_shift_is_claimed_more_often_than_stated() -> None:
    claimed = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        canary, champion = single_rows(rng, 300), single_rows(rng, 2700)
        claimed += score_shift(canary, champion, alpha=ALPHA, rng=rng).low > 0.0
    assert claimed <= MOST


def test_rows_that_arrive_together_do_not_ring_more_often() -> None:
    claimed = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        canary = batches(rng, 30, rows=10, between=0.3)
        champion = batches(rng, 270, rows=10, between=0.3)
        claimed += score_shift(canary, champion, alpha=ALPHA, rng=rng).low > 0.0
    assert claimed <= MOST


def test_at_the_limit_the_bounds_miss_as_often_as_stated() -> None:
    below = above = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        canary, champion = single_rows(rng, 300, shift=0.5), single_rows(rng, 2700)
        interval = score_shift(canary, champion, alpha=ALPHA, rng=rng)
        below, above = below + (interval.high < 0.5), above + (interval.low > 0.5)
    assert below <= MOST
    assert above <= MOST


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_of_one_deviation_is_found_at_ten_percent_with_300_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canary, champion = single_rows(rng, 300, shift=1.0), single_rows(rng, 2700)
    look = Look(step=10, holds=0, at=NOON, seed=seed)
    verdict = judge(canary, champion, policy=ReleasePolicy(), allowed_shift=0.0, look=look)
    assert verdict.answer == "rollback"
    assert 0.7 < verdict.evidence["score_shift"] < 1.3


def test_effect_size_of_two_classes_is_in_standard_deviations() -> None:
    p, q = 0.52, 0.48
    exact = abs(p - q) / (0.5 * 0.5) ** 0.5
    assert float(effect_size([p, 1 - p], [q, 1 - q])) == pytest.approx(exact)
