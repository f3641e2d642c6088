"""Thresholds: what reference blocks or a bootstrap say is usual."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidegate.monitoring.thresholds import block_threshold, student_t_quantile


@pytest.mark.parametrize(
    ("p", "df", "exact"),
    [(0.975, 7, 2.3646), (0.999, 9, 4.2968), (0.9995, 20, 3.8495), (0.9999, 58, 3.9676)],
)
def test_student_t_is_within_one_percent(p: float, df: int, exact: float) -> None:
    assert student_t_quantile(p, df) == pytest.approx(exact, rel=0.01)


def test_a_further_block_exceeds_the_bound_as_often_as_stated() -> None:
    rng = np.random.default_rng(0)
    beyond = []
    for _ in range(3000):
        seen = np.exp(rng.normal(size=15) * 0.4)
        limit = block_threshold(tuple(seen), alpha=0.02)
        beyond.append(limit is not None and math.exp(rng.normal() * 0.4) > limit)
    assert np.mean(beyond) == pytest.approx(0.02, abs=0.008)


def test_too_few_blocks_give_no_bound() -> None:
    assert block_threshold((0.1,) * 7, alpha=0.01) is None
    assert block_threshold((0.0,) * 30, alpha=0.01) is None


def test_one_wild_block_does_not_hide_every_later_drift() -> None:
    blocks = (*([0.01, 0.2, 1.0] * 20), 2.0)
    assert block_threshold(blocks, alpha=0.0001) == 3.0
