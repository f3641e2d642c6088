"""The table of metrics that gates choose from, and their values on a set of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate.contract import Task
from tidegate.stats.arrays import Floats, Ints, finite_vector, same_length
from tidegate.stats.classification import accuracy, auc, brier, f1, f1_macro, log_loss
from tidegate.stats.regression import mae, r2, rmse


@dataclass(frozen=True)
class Metric:
    """One metric: its name, its direction, and the tasks that it is for."""

    name: str
    higher_is_better: bool
    tasks: tuple[Task, ...]
    of: Callable[[npt.ArrayLike, npt.ArrayLike], float]
    takes: str = "scores"  # "scores": what the model answers; "classes": the class chosen from it


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("auc", higher_is_better=True, tasks=("binary",), of=auc),
        Metric("log_loss", higher_is_better=False, tasks=_CLASSES, of=log_loss),
        Metric("brier", higher_is_better=False, tasks=("binary",), of=brier),
        Metric("accuracy", higher_is_better=True, tasks=_CLASSES, of=accuracy, takes="classes"),
        Metric("f1", higher_is_better=True, tasks=("binary",), of=f1, takes="classes"),
        Metric(
            "f1_macro", higher_is_better=True, tasks=("multiclass",), of=f1_macro, takes="classes"
        ),
        Metric("rmse", higher_is_better=False, tasks=("regression",), of=rmse),
        Metric("mae", higher_is_better=False, tasks=("regression",), of=mae),
        Metric("r2", higher_is_better=True, tasks=("regression",), of=r2),
    )
}


def evaluate(
    task: Task,
    y: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    only: str = "",
) -> dict[str, float]:
    """Return every metric of the task that these rows define, or `only` the one named.

    `y` (rows,): class numbers, or values of a regression. `scores` (rows, outputs) as the model
    gives them; binary and regression also (rows,). `threshold` chooses the positive class. A
    metric that the rows leave undefined (auc of one class, r2 of a constant, a result beyond
    float64) is left out: missing, never NaN. Raises `ValueError` when `y` or `scores` are empty,
    unequal, non-finite.

    >>> sorted(evaluate("binary", [0, 1], [[0.8, 0.2], [0.3, 0.7]]))
    ['accuracy', 'auc', 'brier', 'f1', 'log_loss']
    """
    truth = finite_vector(y, name="y")
    table = np.asarray(scores, dtype=np.float64)
    same_length(truth, table)
    if not np.isfinite(table).all():
        raise ValueError("scores hold NaN or infinity")
    answers = table.reshape(len(truth), -1)
    given: Floats = answers if task == "multiclass" else answers[:, -1]
    chosen = choose(task, answers, threshold=threshold)
    values = {
        metric.name: _value(metric, truth, given if metric.takes == "scores" else chosen)
        for metric in METRICS.values()
        if task in metric.tasks and only in ("", metric.name)
    }
    return {name: value for name, value in values.items() if value is not None}


def choose(task: Task, scores: Floats, *, threshold: float = 0.5) -> Floats | Ints:
    """Return the class number of each row of `scores` (rows, outputs); a regression's values.

    Binary: 1 where P(positive), the last column, is at or above `threshold`. Multiclass: the first
    of the highest scores.

    >>> choose("multiclass", np.array([[0.2, 0.5, 0.3]]))
    array([1])
    """
    if task == "multiclass":
        best: Ints = scores.argmax(axis=1)
        return best
    last: Floats = scores[:, -1]
    if task == "regression":
        return last
    return (last >= threshold).astype(np.int64)


def _value(metric: Metric, truth: Floats, answers: Floats | Ints) -> float | None:
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            value = metric.of(truth, answers)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
