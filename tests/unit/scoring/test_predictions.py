"""Labels, the tracked score and finiteness, from scores."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidegate.contract import Contract, Target
from tidegate.scoring.predictions import finite, labels, shown, tracked

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


@given(st.lists(st.floats(-1, 1, width=32), min_size=1))
def test_a_probability_is_told_with_six_decimals(values: list[float]) -> None:
    scores = np.array([values, values], dtype=np.float32).T

    told = scores[:, 1:].astype(np.float64).round(6) + 0.0  # no -0.0
    assert shown(BINARY, scores).tobytes() == told.tobytes()


def test_classes_are_told_with_six_decimals_each() -> None:
    scores = np.array([[0.12345678, 0.5, -1e-9]], dtype=np.float32)

    assert shown(MULTI, scores).tolist() == [[0.123457, 0.5, -0.0]]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_a_value_is_told_as_the_shortest_text_of_its_float32(values: list[float]) -> None:
    scores = np.array(values, dtype=np.float32)[:, None]

    assert shown(NUMBER, scores)[:, 0].tolist() == [float(str(value)) for value in scores[:, 0]]
