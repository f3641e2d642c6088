"""The judge: canary against champion in the same time; advance, hold or roll back, and why.

Error rates. Over all looks of a release, a canary that differs from the champion by no more than
the policy allows is rolled back for it with a probability of at most `FALSE_ROLLBACK`; one that
differs by more is passed on from a step with a probability of at most `MISSED` (when failures were
seen at all: see `_judge_failures`). Both are split evenly over tests and looks (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from tidegate.project import ReleasePolicy
from tidegate.registry.values import Verdict
from tidegate.release.evidence import (
    Interval,
    Side,
    error_rates,
    invalid_rates,
    label_shift,
    score_shift,
)

FALSE_ROLLBACK = 0.05  # per release
MISSED = 0.05  # per step
_TESTS = 4  # errors, invalid answers, scores, labels
_LEAST_EFFECTIVE = 10  # independent rows; with fewer the bootstrap's lower limit is too bold

Answer = Literal["advance", "rollback", "hold"]


@dataclass(frozen=True)
class Look:
    """One judgement: the canary's percentage, extra bakes so far, the moment, the seed of luck."""

    step: int
    holds: int
    at: datetime
    seed: int


@dataclass(frozen=True)
class Finding:
    """What one test says."""

    answer: Answer
    reason: str
    interval: Interval | None = None


def judge(
    canary: Side, champion: Side, *, policy: ReleasePolicy, allowed_shift: float, look: Look
) -> Verdict:
    """Return the verdict of one look.

    `allowed_shift` is by how much the scores may differ beyond the policy, because the holdout
    showed that difference and the gates accepted it. One test that says roll back decides; all must
    say advance; else it is held, and after `policy.max_holds` holds the policy's default applies.
    """
    short = _too_few(canary, champion, policy)
    findings = [short] if short else _findings(canary, champion, policy, allowed_shift, look)
    evidence = _evidence(canary, champion, findings)
    worst = [f for f in findings if f.answer == "rollback"]
    open_ones = [f for f in findings if f.answer == "hold"]
    # A broken canary is rolled back even when its rows are too few for the other tests.
    failed = _judge_failures(canary, champion, policy) if short else []
    worst += [f for f in failed if f.answer == "rollback"]
    if worst:
        return _verdict("rollback", worst, evidence, look)
    if open_ones:
        return _held(open_ones, evidence, policy, look)
    return _verdict("advance", findings, evidence, look)


def alpha_of(policy: ReleasePolicy, *, total: float) -> float:
    """Return the share of an error rate that one test may use in one look."""
    judged_steps = max(1, len(policy.steps) - 1)
    return total / (_TESTS * judged_steps * (1 + policy.max_holds))


def _findings(
    canary: Side, champion: Side, policy: ReleasePolicy, allowed_shift: float, look: Look
) -> list[Finding]:
    alpha = alpha_of(policy, total=min(FALSE_ROLLBACK, MISSED))
    rng = np.random.default_rng([look.seed, look.step, look.holds])
    limit = policy.max_prediction_shift + allowed_shift
    shifts = [score_shift(canary, champion, alpha=alpha, rng=rng)]
    if len({*canary.window.labels, *champion.window.labels}) > 2:  # two: the score says it all
        shifts.append(label_shift(canary, champion, alpha=alpha, rng=rng))
    return [
        *_judge_failures(canary, champion, policy),
        *(_judge_shift(shift, limit, allowed_shift) for shift in shifts),
    ]


def _too_few(canary: Side, champion: Side, policy: ReleasePolicy) -> Finding | None:
    for name, side in (("canary", canary), ("champion", champion)):
        rows = sum(side.window.score.cells)
        if rows < max(1, policy.min_rows):
            return Finding("hold", f"{name} answered {rows} rows; {policy.min_rows} are needed")
        if side.effective < _LEAST_EFFECTIVE:
            text = f"{rows} rows of {name} came in few, alike requests: they are worth"
            return Finding("hold", f"{text} {side.effective:.0f}; {_LEAST_EFFECTIVE} are needed")
    return None


def _judge_failures(canary: Side, champion: Side, policy: ReleasePolicy) -> list[Finding]:
    """Judge failed requests and answers that were not finite.

    No failure at all in the rows that the policy asks for is taken as evidence enough; else the
    bound decides, and between the bounds it is held.
    """
    alpha = alpha_of(policy, total=min(FALSE_ROLLBACK, MISSED))
    tests = (
        ("failed requests", canary.window.errors, error_rates),
        ("invalid answers", canary.window.invalid, invalid_rates),
    )
    found = []
    for name, failures, test in tests:
        interval = test(canary, champion, alpha=alpha)
        text = (
            f"{name}: {interval.value:+.2%} against the champion"
            f" ({interval.low:+.2%} to {interval.high:+.2%}), allowed {policy.max_error_rate:.2%}"
        )
        if interval.low > policy.max_error_rate:
            found.append(Finding("rollback", text, interval))
        elif not failures or interval.high <= policy.max_error_rate:
            found.append(Finding("advance", text if failures else f"no {name}", interval))
        else:
            found.append(Finding("hold", text, interval))
    return found


def _judge_shift(shift: Interval, limit: float, allowed: float) -> Finding:
    of = {"score_shift": "scores", "label_shift": "predicted labels"}[shift.name]
    text = (
        f"{of} differ by {shift.value:.2f} standard deviations"
        f" ({shift.low:.2f} to {shift.high:.2f}), limit {limit:.2f}"
    )
    text += f" (of which {allowed:.2f} seen on the holdout)" if allowed else ""
    if shift.low > limit:
        return Finding("rollback", text, shift)
    return Finding("advance" if shift.high < limit else "hold", text, shift)


def _held(
    findings: list[Finding], evidence: dict[str, float], policy: ReleasePolicy, look: Look
) -> Verdict:
    if look.holds < policy.max_holds:
        return _verdict("hold", findings, evidence, look)
    promote = policy.without_evidence == "promote"
    default = (
        f"still not enough evidence after {look.holds} extra bakes;"
        f" the policy then says {policy.without_evidence}"
    )
    verdict = _verdict("advance" if promote else "rollback", findings, evidence, look)
    return replace(
        verdict,
        reasons=(*verdict.reasons, default),
        evidence={**verdict.evidence, "without_evidence": 1.0},
    )


def _verdict(
    answer: Answer, findings: list[Finding], evidence: dict[str, float], look: Look
) -> Verdict:
    return Verdict(
        step=look.step,
        answer=answer,
        reasons=tuple(finding.reason for finding in findings),
        evidence=evidence,
        at=look.at,
    )


def _evidence(canary: Side, champion: Side, findings: list[Finding]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, side in (("canary", canary), ("champion", champion)):
        found[f"{name}_rows"] = float(sum(side.window.score.cells))
        found[f"{name}_effective_rows"] = round(side.effective, 1)
        found[f"{name}_requests"] = float(side.window.requests)
        found[f"{name}_errors"] = float(side.window.errors)
        found[f"{name}_invalid"] = float(side.window.invalid)
    for finding in findings:
        if finding.interval is not None:
            name = finding.interval.name
            found[name] = round(finding.interval.value, 6)
            found[f"{name}_low"] = round(finding.interval.low, 6)
            found[f"{name}_high"] = round(finding.interval.high, 6)
    return found
