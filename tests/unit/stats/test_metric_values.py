"""Metrics against brute force and, where there is one, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tidegate.project_file.metric_names import METRIC_NAMES
from tidegate.stats.classification import accuracy, auc, brier, f1, f1_macro, log_loss
from tidegate.stats.metrics import METRICS, choose, evaluate
from tidegate.stats.regression import mae, r2, rmse

RNG = np.random.default_rng(20261122)


@pytest.mark.parametrize("distinct", [3, 50, 10_000], ids=["many ties", "some ties", "no ties"])
def test_auc_is_the_mann_whitney_share_of_ordered_pairs(distinct: int) -> None:
    y = RNG.integers(0, 2, 300)
    score = RNG.integers(0, distinct, 300) / distinct + 0.1 * y
    positive, negative = score[y == 1], score[y == 0]
    wins = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    u = stats.mannwhitneyu(positive, negative).statistic

    assert auc(y, score) == pytest.approx(wins, abs=1e-12)
    assert auc(y, score) == pytest.approx(u / (len(positive) * len(negative)), abs=1e-12)
    assert auc(y, -score) == pytest.approx(1 - wins, abs=1e-12)


def test_auc_of_two_million_rows_does_not_overflow() -> None:
    y = np.repeat([0, 1], 1_000_000)
    assert auc(y, y) == 1.0


def test_f1_counts_hits_misses_and_false_alarms_per_class() -> None:
    y, guess = RNG.integers(0, 4, 500), RNG.integers(0, 5, 500)
    per_class = []
    for k in range(5):
        hit = int(((y == k) & (guess == k)).sum())
        wrong = int(((y == k) != (guess == k)).sum())
        per_class.append(2 * hit / (2 * hit + wrong))

    assert f1_macro(y, guess) == pytest.approx(np.mean(per_class))
    assert f1(y == 1, guess == 1) == pytest.approx(per_class[1])


def test_a_class_that_nobody_names_has_no_part_in_macro_f1() -> None:
    assert f1_macro([0, 0, 5, 5], [0, 0, 5, 5]) == 1.0


def test_log_loss_stays_finite_when_the_model_was_sure_and_wrong() -> None:
    assert log_loss([1], [0.0]) == pytest.approx(-math.log(np.finfo(float).eps))
    assert log_loss([0, 2], [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]) == pytest.approx(
        -(math.log(0.5) + math.log(0.25)) / 2
    )


def test_errors_of_a_regression_match_their_definitions() -> None:
    y, value = RNG.normal(size=200), RNG.normal(size=200)
    residual = [a - b for a, b in zip(y, value, strict=True)]
    slope = stats.linregress(value, y)

    assert rmse(y, value) == pytest.approx(math.sqrt(math.fsum(r * r for r in residual) / 200))
    assert mae(y, value) == pytest.approx(math.fsum(map(abs, residual)) / 200)
    assert r2(y, slope.intercept + slope.slope * value) == pytest.approx(slope.rvalue**2)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: auc([1, 1], [0.1, 0.2]), "both classes"),
        (lambda: auc([0, 2], [0.1, 0.2]), "0 and 1 only"),
        (lambda: auc([0, 1], [0.1]), "2 true values, but 1"),
        (lambda: auc([], []), "y is empty"),
        (lambda: auc([0, 1], [math.nan, 0.2]), "score holds NaN"),
        (lambda: accuracy([0.5, 1], [0, 1]), "class numbers"),
        (lambda: accuracy([[0, 1]], [0, 1]), "one-dimensional"),
        (lambda: brier([0, 1], [0.5, 1.5]), r"in \[0, 1\]"),
        (lambda: log_loss([0, 3], [[0.5, 0.5], [0.5, 0.5]]), "names class 3"),
        (lambda: log_loss([0], np.zeros((1, 0))), "probabilities must be"),
        (lambda: r2([2.0, 2.0], [2.0, 2.1]), "not constant"),
        (lambda: rmse([math.inf], [1.0]), "y holds NaN or infinity"),
    ],
)
def test_what_a_metric_can_not_say_it_refuses(call: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()  # type: ignore[operator]


def test_undefined_metrics_are_missing_and_never_nan() -> None:
    one_class = evaluate("binary", [1, 1], [[0.3, 0.7], [0.1, 0.9]])
    assert "auc" not in one_class
    assert one_class["accuracy"] == 1.0

    assert set(evaluate("regression", [5.0, 5.0], [[5.0], [6.0]])) == {"rmse", "mae"}
    assert set(evaluate("regression", [1e300, -1e300], [-1e300, 1e300])) == {"mae"}


def test_binary_scores_may_be_both_columns_or_the_positive_one() -> None:
    y, p = np.array([0, 1, 1, 0]), np.array([0.2, 0.5, 0.4, 0.6])
    both = evaluate("binary", y, np.column_stack([1 - p, p]), threshold=0.4)

    assert evaluate("binary", y, p, threshold=0.4) == pytest.approx(both)
    assert evaluate("binary", y, p[:, None], threshold=0.4) == pytest.approx(both)
    assert both["accuracy"] == 0.75


def test_a_score_at_the_threshold_is_positive() -> None:
    assert choose("binary", np.array([[0.5], [0.49]])).tolist() == [1, 0]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_metric_that_a_folder_may_name_is_computed(task: str) -> None:
    computed = {m.name: m.higher_is_better for m in METRICS.values() if task in m.tasks}
    named = {m.name: m.higher_is_better for m in METRIC_NAMES[task]}  # type: ignore[index]
    assert named == computed


@pytest.mark.parametrize("scores", [[], [[math.nan, 1.0]], [[0.5, 0.5], [0.5, 0.5]]])
def test_evaluation_refuses_rows_that_do_not_fit(scores: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"true values|NaN"):
        evaluate("binary", [1], scores)
