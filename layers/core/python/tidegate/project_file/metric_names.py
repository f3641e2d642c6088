"""Which metrics a gate may name, by task, and the values that each can take.

Only names live here (floor 0), so that a folder is checked without numpy; `tidegate.stats.metrics`
computes them, and a test holds the two lists together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidegate.contract import Task


@dataclass(frozen=True)
class MetricName:
    """A metric: its name, whether larger is better, and the range of its values."""

    name: str
    higher_is_better: bool
    low: float = 0.0
    high: float = 1.0


_LOG_LOSS = MetricName("log_loss", higher_is_better=False, high=math.inf)
_ACCURACY = MetricName("accuracy", higher_is_better=True)

METRIC_NAMES: dict[Task, tuple[MetricName, ...]] = {
    "binary": (
        MetricName("auc", higher_is_better=True),
        _LOG_LOSS,
        MetricName("brier", higher_is_better=False),
        _ACCURACY,
        MetricName("f1", higher_is_better=True),
    ),
    "multiclass": (_LOG_LOSS, _ACCURACY, MetricName("f1_macro", higher_is_better=True)),
    "regression": (
        MetricName("rmse", higher_is_better=False, high=math.inf),
        MetricName("mae", higher_is_better=False, high=math.inf),
        MetricName("r2", higher_is_better=True, low=-math.inf),
    ),
}
