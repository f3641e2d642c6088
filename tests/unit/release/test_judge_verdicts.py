"""The judge's three answers, each with its reasons."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.release.sampling import NOON, side, single_rows
from tidegate.project import ReleasePolicy
from tidegate.registry.codec import encode
from tidegate.registry.values import Release, Verdict
from tidegate.release.evidence import Side
from tidegate.release.judge import Look, judge

POLICY = ReleasePolicy()
RNG = np.random.default_rng(11)
CANARY, CHAMPION = single_rows(RNG, 300), single_rows(RNG, 2700)


def ask(
    canary: Side = CANARY,
    champion: Side = CHAMPION,
    policy: ReleasePolicy = POLICY,
    *,
    holds: int = 0,
    allowed: float = 0.0,
) -> Verdict:
    look = Look(step=10, holds=holds, at=NOON, seed=5)
    return judge(canary, champion, policy=policy, allowed_shift=allowed, look=look)


def changed(canary: Side, **counts: object) -> Side:
    return replace(canary, window=replace(canary.window, **counts))  # type: ignore[arg-type]


def test_an_equal_canary_advances_and_says_why_with_numbers() -> None:
    verdict = ask()
    assert verdict.answer == "advance"
    assert "no failed requests" in verdict.reasons
    assert any(
        "scores differ by" in reason and "limit 0.50" in reason for reason in verdict.reasons
    )
    assert verdict.evidence["canary_rows"] == 300
    assert "without_evidence" not in verdict.evidence


def test_the_same_look_gives_the_same_verdict() -> None:
    assert ask() == ask()


@pytest.mark.parametrize("short", ["canary", "champion"])
def test_too_few_rows_are_held(short: str) -> None:
    few = single_rows(np.random.default_rng(1), 299)
    verdict = ask(**{short: few})  # type: ignore[arg-type]
    assert verdict.answer == "hold"
    assert verdict.reasons == (f"{short} answered 299 rows; 300 are needed",)


@pytest.mark.parametrize(("default", "answer"), [("rollback", "rollback"), ("promote", "advance")])
def test_no_traffic_is_held_and_then_the_declared_default_is_said_aloud(
    default: str, answer: str
) -> None:
    policy = replace(POLICY, without_evidence=default)  # type: ignore[arg-type]
    nothing = side([])
    assert [ask(nothing, policy=policy, holds=n).answer for n in range(3)] == ["hold"] * 3
    last = ask(nothing, policy=policy, holds=3)
    assert last.answer == answer
    assert last.evidence["without_evidence"] == 1.0
    assert f"the policy then says {default}" in last.reasons[-1]


def test_a_canary_with_ten_percent_errors_is_rolled_back() -> None:
    verdict = ask(changed(CANARY, requests=330, errors=30))
    assert verdict.answer == "rollback"
    assert "failed requests: +9" in verdict.reasons[0]


def test_errors_are_seen_even_when_rows_are_too_few_for_the_rest() -> None:
    nothing = changed(side([]), requests=50, errors=50)
    assert ask(nothing).answer == "rollback"


def test_one_error_is_not_enough_for_any_answer() -> None:
    assert ask(changed(CANARY, requests=301, errors=1)).answer == "hold"


def test_errors_that_the_champion_has_too_are_no_reason() -> None:
    canary = changed(single_rows(RNG, 30_000), requests=33_000, errors=3_000)
    champion = changed(single_rows(RNG, 30_000), requests=33_000, errors=3_000)
    assert ask(canary, champion).answer == "advance"


def test_answers_that_are_not_finite_roll_back() -> None:
    verdict = ask(changed(CANARY, rows=400, invalid=100))
    assert verdict.answer == "rollback"
    assert "invalid answers" in verdict.reasons[0]


def test_a_shift_that_the_holdout_showed_is_allowed() -> None:
    shifted = single_rows(np.random.default_rng(2), 300, shift=1.0)
    assert ask(shifted).answer == "rollback"
    verdict = ask(shifted, allowed=1.0)
    assert verdict.answer == "advance"
    assert any("of which 1.00 seen on the holdout" in reason for reason in verdict.reasons)


def test_a_shift_near_the_limit_is_held() -> None:
    assert ask(single_rows(np.random.default_rng(3), 300, shift=0.5)).answer == "hold"


def test_few_requests_of_many_rows_are_little_evidence() -> None:
    requests = [RNG.normal(mean, 0.3, 100) for mean in (-0.6, 0.0, 0.6)]
    together = ask(side(requests))
    apart = ask(side([np.array([score]) for request in requests for score in request]))
    assert (together.answer, apart.answer) == ("hold", "advance")
    assert together.evidence["canary_effective_rows"] < 10


def test_few_alike_requests_never_roll_back_on_their_scores() -> None:
    far_off = ask(side([RNG.normal(3.0, 0.01, 100) for _ in range(3)] + [RNG.normal(5.0, 0.01, 9)]))
    assert far_off.evidence["canary_effective_rows"] < 10
    assert far_off.answer == "hold"
    assert "alike requests" in far_off.reasons[0]


def test_other_predicted_classes_roll_back_though_the_scores_are_alike() -> None:
    usual = changed(CHAMPION, labels={"a": 900, "b": 900, "c": 900})
    verdict = ask(changed(CANARY, labels={"a": 300}), usual)
    assert verdict.answer == "rollback"
    assert "predicted labels differ" in verdict.reasons[0]
    assert ask(changed(CANARY, labels={"a": 100, "b": 100, "c": 100}), usual).answer == "advance"


@pytest.mark.parametrize("canary", [side([]), CANARY, changed(CANARY, invalid=10, rows=310)])
def test_every_verdict_can_be_stored(canary: Side) -> None:
    verdict = ask(canary)
    assert all(math.isfinite(value) for value in verdict.evidence.values())
    encode(Release("iris", "r-1", 1, "running", NOON, "ann", "", verdicts=(verdict,)))
