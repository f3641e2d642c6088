"""Performance from labels: the first gate's metric on what came back, against the holdout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidegate.contract import Contract
from tidegate.monitoring.values import Limits, Performance
from tidegate.stats.arrays import Floats
from tidegate.stats.metrics import METRICS, evaluate
from tidegate.windows.values import Label, Reference

CERTAINTY = 0.99
DRAWS = 200
MOST_LABELS = 5_000  # the newest so many are enough for any metric


def judge_performance(
    labels: Sequence[Label],
    *,
    contract: Contract,
    reference: Reference,
    limits: Limits,
    rng: np.random.Generator,
) -> Performance | None:
    """Return the metric on `labels`, or None while there are too few or the metric has no value.

    Degraded means: worse than the holdout by more than the limit, and certainly worse at all.
    """
    expected = reference.metrics.get(limits.metric)
    if limits.metric not in METRICS or expected is None or len(labels) < limits.min_rows:
        return None
    truth, scores = _arrays(labels[:MOST_LABELS], contract)
    value = _metric(contract, limits.metric, truth, scores)
    if value is None:
        return None
    drop = _drop(limits.metric, value, expected)
    certain = _certain_drop(contract, limits.metric, (truth, scores, expected), rng=rng)
    return Performance(
        metric=limits.metric,
        value=value,
        reference=expected,
        drop=drop,
        certain_drop=certain,
        labels=len(truth),
        degraded=drop > limits.max_performance_drop and certain > 0,
    )


def _arrays(labels: Sequence[Label], contract: Contract) -> tuple[Floats, Floats]:
    if contract.task == "regression":
        truth = [float(label.label) for label in labels]
    else:
        number = {name: float(i) for i, name in enumerate(contract.target.classes)}
        labels = [label for label in labels if label.label in number]
        truth = [number[label.label] for label in labels]
    scores = np.asarray([label.score for label in labels], dtype=np.float64)
    return np.asarray(truth, dtype=np.float64), scores


def _metric(contract: Contract, metric: str, truth: npt.ArrayLike, scores: Floats) -> float | None:
    if not len(scores):
        return None
    threshold = contract.threshold
    return evaluate(contract.task, truth, scores, threshold=threshold, only=metric).get(metric)


def _drop(metric: str, value: float, expected: float) -> float:
    worse = expected - value if METRICS[metric].higher_is_better else value - expected
    return worse / max(abs(expected), 1e-12)


def _certain_drop(
    contract: Contract,
    metric: str,
    data: tuple[Floats, Floats, float],
    *,
    rng: np.random.Generator,
) -> float:
    """Lower end of the drop's interval, by resampling labels (percentile bootstrap, Efron 1979)."""
    truth, scores, expected = data
    drops = []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(truth), len(truth))
        value = _metric(contract, metric, truth[rows], scores[rows])
        if value is not None:
            drops.append(_drop(metric, value, expected))
    return float(np.quantile(drops, 1 - CERTAINTY)) if drops else float("-inf")
