"""How long outcomes take: from a row's prediction to the first telling of its label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.windows.values import Label

MOST_VALUES = 99  # a metric in a log line holds 100 values at most


@dataclass(frozen=True)
class Delay:
    """Delays of labels in seconds: half of them take at most `median`, nine in ten at most `p90`.

    Both are delays that were seen: the smallest with at least that share at or below it.
    """

    median: float
    p90: float


def delay_of(labels: Iterable[Label]) -> Delay | None:
    """Return the delays of labels in short; None without labels."""
    seconds = _sorted_delays(labels)
    if not seconds:
        return None
    return Delay(_quantile(seconds, 50), _quantile(seconds, 90))


def sampled_delays(labels: Iterable[Label], *, most: int = MOST_VALUES) -> list[float]:
    """Return the delays of labels in seconds, ascending; of many, `most` evenly spread ones.

    The first and the last are always among them.
    """
    seconds = _sorted_delays(labels)
    if len(seconds) <= most:
        return seconds
    return [seconds[i * (len(seconds) - 1) // (most - 1)] for i in range(most)]


def _sorted_delays(labels: Iterable[Label]) -> list[float]:
    # A row is predicted before its label is told; below zero, two clocks differ.
    return sorted(max(0.0, (x.received_at - x.predicted_at).total_seconds()) for x in labels)


def _quantile(ascending: list[float], percent: int) -> float:
    return ascending[(len(ascending) * percent + 99) // 100 - 1]
