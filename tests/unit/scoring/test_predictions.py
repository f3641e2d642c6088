"""Labels, the tracked score and finiteness, from scores."""

from __future__ import annotations

import numpy as np

from tidegate.contract import Contract, Target
from tidegate.scoring.predictions import finite, labels, tracked

BINARY = Contract("m", "binary", (), Target("late", ("no", "yes")), threshold=0.3)
MULTI = Contract("m", "multiclass", (), Target("kind", ("a", "b", "c")))
NUMBER = Contract("m", "regression", (), Target("price"))


def test_a_score_at_the_threshold_is_positive() -> None:
    scores = np.array([[0.7, 0.3], [0.7, np.nextafter(np.float32(0.3), 0)]], dtype=np.float32)

    assert labels(BINARY, scores) == ("yes", "no")
    assert np.allclose(tracked(BINARY, scores), [0.3, 0.3])


def test_the_largest_score_wins_and_the_first_of_equal_ones() -> None:
    scores = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], dtype=np.float32)

    assert labels(MULTI, scores) == ("b", "a")
    assert np.allclose(tracked(MULTI, scores), [0.5, 0.4])


def test_a_regression_has_values_and_no_labels() -> None:
    scores = np.array([[2.5], [-1.0]], dtype=np.float32)

    assert labels(NUMBER, scores) == ()
    assert tracked(NUMBER, scores).tolist() == [2.5, -1.0]


def test_a_row_with_nan_or_infinity_is_not_finite() -> None:
    scores = np.array([[0.5, 0.5], [np.nan, 0.5], [np.inf, 0.0]], dtype=np.float32)

    assert finite(scores).tolist() == [True, False, False]
