"""Gates: what a version must reach on the holdout. Missing and NaN fail, equality passes.

Numbers within 1e-12 count as equal: 0.70 - 0.02 is not 0.68 in floating point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.project import Gate
from tidegate.registry.values import GateResult
from tidegate.stats.metrics import METRICS

EQUAL = 1e-12
NO_CHAMPION = "no champion"


@dataclass(frozen=True)
class Rival:
    """The champion on the same holdout: its metrics, or why there are none."""

    version: int = 0  # 0: there is no champion
    metrics: Mapping[str, float] | None = None
    problem: str = ""


def check_gates(
    gates: tuple[Gate, ...], metrics: Mapping[str, float], rival: Rival
) -> tuple[GateResult, ...]:
    """Return one result per bound of every gate.

    Without a champion `max_regression` passes; a champion that can't be compared fails it.
    """
    results: list[GateResult] = []
    for gate in gates:
        value = metrics.get(gate.metric)
        value = None if value is None or not math.isfinite(value) else value
        champion = (rival.metrics or {}).get(gate.metric)
        for rule in ("minimum", "maximum", "max_regression"):
            bound = getattr(gate, rule)
            if bound is not None:
                passed, reason = _judge(gate.metric, rule, bound, value, rival)
                results.append(
                    GateResult(gate.metric, rule, value, bound, champion, passed, reason)
                )
    return tuple(results)


def _judge(
    metric: str, rule: str, bound: float, value: float | None, rival: Rival
) -> tuple[bool, str]:
    if value is None:
        return False, f"{metric} could not be computed on the holdout"
    if rule == "minimum":
        return value >= bound - EQUAL, f"{metric} {value:.6g}, at least {bound:g} wanted"
    if rule == "maximum":
        return value <= bound + EQUAL, f"{metric} {value:.6g}, at most {bound:g} wanted"
    return _regression(metric, bound, value, rival)


def _regression(metric: str, bound: float, value: float, rival: Rival) -> tuple[bool, str]:
    if rival.version == 0:
        return True, NO_CHAMPION
    champion = (rival.metrics or {}).get(metric)
    if champion is None or not math.isfinite(champion):
        why = rival.problem or f"{metric} could not be computed"
        return False, f"version {rival.version} can't be compared: {why}"
    worse = champion - value if METRICS[metric].higher_is_better else value - champion
    text = f"{metric} {value:.6g} against {champion:.6g} of version {rival.version}"
    return worse <= bound + EQUAL, f"{text}: at most {bound:g} worse is allowed"
