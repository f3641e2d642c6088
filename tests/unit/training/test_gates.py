"""Gates (P3): missing and NaN fail, equality passes, the champion is compared on the same rows."""

from __future__ import annotations

import math

import pytest

from tidegate.project import Gate
from tidegate.training.gates import Rival, check_gates

AUC = Gate("auc", minimum=0.6, max_regression=0.02)
LOSS = Gate("log_loss", maximum=0.5, max_regression=0.0)


def verdicts(gate: Gate, value: float | None, rival: Rival | None = None) -> list[bool]:
    metrics = {} if value is None else {gate.metric: value}
    return [r.passed for r in check_gates((gate,), metrics, rival or Rival())]


@pytest.mark.parametrize(
    ("gate", "value", "passed"),
    [
        pytest.param(AUC, 0.6, True, id="equal to the minimum"),
        pytest.param(AUC, 0.6 - 1e-9, False, id="below the minimum"),
        pytest.param(LOSS, 0.5, True, id="equal to the maximum"),
        pytest.param(LOSS, 0.5 + 1e-9, False, id="above the maximum"),
        pytest.param(AUC, None, False, id="missing"),
        pytest.param(AUC, math.nan, False, id="NaN"),
        pytest.param(LOSS, math.inf, False, id="infinite"),
    ],
)
def test_a_bound_holds_from_the_bound_on(gate: Gate, value: float | None, passed: bool) -> None:
    assert verdicts(gate, value)[0] is passed


@pytest.mark.parametrize(
    ("gate", "value", "champion", "passed"),
    [
        pytest.param(AUC, 0.68, 0.70, True, id="as much worse as allowed, in floating point"),
        # 0.8 - 0.7 is 0.10000000000000009
        pytest.param(
            Gate("auc", minimum=0.0, max_regression=0.1), 0.7, 0.8, True, id="rounding errors"
        ),
        pytest.param(AUC, 0.68 - 1e-9, 0.70, False, id="a little more than allowed"),
        pytest.param(AUC, 0.90, 0.70, True, id="better"),
        pytest.param(LOSS, 0.40, 0.40, True, id="as good, nothing allowed"),
        pytest.param(LOSS, 0.40 + 1e-9, 0.40, False, id="worse by 1e-9, nothing allowed"),
        pytest.param(LOSS, 0.30, 0.40, True, id="a lower loss is better"),
    ],
)
def test_regression_is_judged_in_the_metrics_own_direction(
    gate: Gate, value: float, champion: float, passed: bool
) -> None:
    rival = Rival(3, {gate.metric: champion})
    assert verdicts(gate, value, rival)[1] is passed


def test_without_a_champion_regression_passes_and_says_so() -> None:
    result = check_gates((AUC,), {"auc": 0.7}, Rival())[1]
    assert (result.passed, result.reason) == (True, "no champion")


def test_a_champion_that_cant_be_compared_fails_the_gate_with_the_reason() -> None:
    result = check_gates((AUC,), {"auc": 0.7}, Rival(3, None, "its task or target differs"))[1]
    assert not result.passed
    assert "version 3 can't be compared: its task or target differs" in result.reason


def test_a_missing_metric_fails_the_regression_too_even_without_a_champion() -> None:
    assert verdicts(AUC, None) == [False, False]
