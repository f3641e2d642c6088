"""The judge's tests: each compares canary with champion and bounds the difference.

Rows of one request resemble each other, so sample sizes are effective ones (`stats.design_effect`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from tidegate.stats.arrays import Floats, histogram
from tidegate.stats.bootstrap import null_distances, resample
from tidegate.stats.design_effect import effective_rows
from tidegate.stats.distances import Distance, wasserstein
from tidegate.stats.intervals import newcombe
from tidegate.windows.values import ColumnReference, Window

Cells = Sequence[int]


@dataclass(frozen=True)
class Side:
    """What one of the two served in the time judged, and where its score cells lie."""

    window: Window
    score: ColumnReference

    @property
    def effective(self) -> float:
        """Independent rows that this side's rows are worth."""
        window = self.window
        rows = sum(window.score.cells)
        if rows == 0:
            return 0.0
        answered = min(max(window.answered, 1), rows)
        return effective_rows(window.clusters, requests=answered, rows=rows)


@dataclass(frozen=True)
class Interval:
    """An estimated difference and the bounds it lies in; nan-free."""

    name: str
    value: float
    low: float
    high: float


def error_rates(canary: Side, champion: Side, *, alpha: float) -> Interval:
    """Compare failed requests (5xx): share of the canary minus share of the champion.

    Two one-sided bounds at `alpha` each. Source: Newcombe 1998, method 10.
    """
    return _difference(
        "error_rate",
        (canary.window.errors, canary.window.requests),
        (champion.window.errors, champion.window.requests),
        alpha=alpha,
    )


def invalid_rates(canary: Side, champion: Side, *, alpha: float) -> Interval:
    """Compare rows whose answer was not finite; the sample is requests, for rows go together."""
    return _difference(
        "invalid_rate", _invalid(canary.window), _invalid(champion.window), alpha=alpha
    )


def score_shift(
    canary: Side, champion: Side, *, alpha: float, rng: np.random.Generator
) -> Interval:
    """Compare the scores: Wasserstein distance in standard deviations of the champion's.

    Both sides are resampled with their effective sizes. Source: Davison & Hinkley 1997, eq. (5.6).
    """
    scale = champion.score.scale if champion.score.scale > 0 else 1.0
    within = partial(wasserstein, centers=champion.score.centers, scale=scale)

    def between(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
        at, q_at = canary.score.centers, champion.score.centers
        return wasserstein(p, q, centers=at, q_centers=q_at, scale=scale)

    counts = (canary.window.score.cells, champion.window.score.cells)
    metric, sides = _Metric(between, within), (canary, champion)
    return Interval("score_shift", *_bounded(metric, counts, sides, alpha=alpha, rng=rng))


def label_shift(
    canary: Side, champion: Side, *, alpha: float, rng: np.random.Generator
) -> Interval:
    """Compare how often each label is predicted: effect size w, for two classes in the same unit.

    With shares p and q, w^2 = sum (p - q)^2 / ((p + q) / 2). Source: Cohen 1988, section 7.2, on
    the pooled shares, so that a class that one side never predicts stays finite.
    """
    names = sorted({*canary.window.labels, *champion.window.labels})
    mine, theirs = ([s.window.labels.get(n, 0) for n in names] for s in (canary, champion))
    metric, sides = _Metric(effect_size, effect_size), (canary, champion)
    bounds = _bounded(metric, (mine, theirs), sides, alpha=alpha, rng=rng)
    return Interval("label_shift", *bounds)


def effect_size(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Return Cohen's w of histograms over the same cells (the last axis), in [0, 2].

    >>> round(float(effect_size([50, 50], [75, 25])), 3)
    0.516
    """
    p, q = histogram(first, name="first"), histogram(second, name="second")
    p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    pooled = (p + q) / 2
    terms = np.divide((p - q) ** 2, pooled, out=np.zeros_like(pooled), where=pooled > 0)
    result: Floats = np.sqrt(terms.sum(axis=-1))
    return result


def draws_for(alpha: float) -> int:
    """Return how many resamples put some 10 beyond a bound at `alpha`: 1,000 to 10,000."""
    return int(min(10_000, max(1_000, math.ceil(10 / alpha))))


@dataclass(frozen=True)
class _Metric:
    """A distance of canary from champion, and of two samples of the champion from each other."""

    between: Distance
    within: Distance


def _bounded(
    metric: _Metric,
    counts: tuple[Cells, Cells],
    sides: tuple[Side, Side],
    *,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Return estimate and one-sided bounds of a distance.

    The lower bound is the basic bootstrap limit; close to no distance at all that is too high, so
    it must also clear what two samples of the champion's own distribution show. The upper bound
    leaves out the correction for bias: samples only look further apart than their sources, and in
    a few rows the correction would be larger than what is corrected. The estimate is the distance
    seen minus the distance expected of two samples of the champion.
    """
    (p, q), draws = counts, draws_for(alpha)
    sizes = (sides[0].effective, sides[1].effective)
    seen = float(metric.between(p, q))
    again = metric.between(
        resample(p, size=sizes[0], draws=draws, rng=rng),
        resample(q, size=sizes[1], draws=draws, rng=rng),
    )
    same = null_distances(q, metric.within, sizes=sizes, draws=draws, rng=rng)
    least, most = np.quantile(again, [alpha, 1 - alpha])
    low = min(2 * seen - float(most), seen - float(np.quantile(same, 1 - alpha)))
    value, high = seen - float(same.mean()), seen + float(again.mean() - least)
    return max(0.0, value), max(0.0, low), max(0.0, high)


def _invalid(window: Window) -> tuple[float, float]:
    answered = max(0, window.answered)
    share = min(1.0, window.invalid / window.rows) if window.rows else 0.0
    return share * answered, answered


def _difference(
    name: str, canary: tuple[float, float], champion: tuple[float, float], *, alpha: float
) -> Interval:
    if not canary[1] or not champion[1]:
        return Interval(name, 0.0, -1.0, 1.0)
    low, high = newcombe(canary, champion, confidence=1 - 2 * alpha)
    return Interval(name, canary[0] / canary[1] - champion[0] / champion[1], low, high)
