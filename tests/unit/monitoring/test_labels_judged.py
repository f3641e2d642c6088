"""Performance from labels: worse by more than allowed, and certainly worse."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.weather import CONTRACT, NOON, reference
from tidegate.monitoring.performance import judge_performance
from tidegate.monitoring.values import Limits, Performance
from tidegate.windows.values import Label

LIMITS = Limits(100, 2, 3, 0.05, 0.2, 0.1, metric="auc")
REFERENCE = reference(days=8)


def labels(count: int, *, skill: float, seed: int = 3) -> list[Label]:
    rng = np.random.default_rng(seed)
    truth = rng.random(count) < 0.4
    scores = 1 / (1 + np.exp(-(rng.normal(size=count) + skill * truth)))
    return [
        Label("ferry-delay", 3, "r-3", f"x{i}", 0, NOON - timedelta(seconds=i), NOON,
              (float(score),), "yes" if late else "no")
        for i, (late, score) in enumerate(zip(truth, scores, strict=True))
    ]  # fmt: skip


def judge(found: list[Label], limits: Limits = LIMITS) -> Performance | None:
    rng = np.random.default_rng(1)
    return judge_performance(found, contract=CONTRACT, reference=REFERENCE, limits=limits, rng=rng)


def test_too_few_labels_say_nothing() -> None:
    assert judge(labels(99, skill=0)) is None


def test_a_model_as_good_as_on_the_holdout_is_not_degraded() -> None:
    found = judge(labels(2000, skill=1.2))
    assert found is not None
    assert found.value == pytest.approx(0.8, abs=0.03)
    assert not found.degraded


def test_a_model_that_lost_its_skill_is_degraded() -> None:
    found = judge(labels(2000, skill=0.2))
    assert found is not None
    assert found.drop > 0.1
    assert found.certain_drop > 0
    assert found.degraded


def test_labels_of_one_class_have_no_auc() -> None:
    one = [label for label in labels(3000, skill=1) if label.label == "no"]
    assert judge(one) is None


def test_labels_that_the_contract_does_not_know_are_left_out() -> None:
    strange = [Label("ferry-delay", 3, "r-3", "s", i, NOON, NOON, (0.5,), "?") for i in range(500)]
    found = judge(labels(500, skill=1.2) + strange)
    assert found is not None
    assert found.labels == 500


def test_without_a_gate_there_is_nothing_to_judge() -> None:
    assert judge(labels(500, skill=0), Limits(100, 2, 3, 0.05, 0.2, 0.1)) is None
