"""From which distance on a column drifts, so that a whole look rings falsely in 0.5 % of the cases.

With enough reference blocks (days, say): a one-sided prediction bound on the logarithm of their
distances, Bonferroni over columns. Real data come in days of weather and weekdays, so rows are not
independent: bounds that believe they are ring on every ordinary day (ADR 11). Without blocks:
multinomial bootstrap of the reference against itself, max-T over columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from tidegate.stats.bootstrap import max_t_thresholds, null_distances
from tidegate.windows.distance import cell_distance
from tidegate.windows.values import ColumnReference

ALPHA = 0.005  # false alarms per look, over all columns
MIN_BLOCKS = 8
CAPPED_FROM = 20  # blocks; then half again the farthest one seen is far enough
CAP = 1.5
DRAWS = 1000
FULL = 0.9  # of a block's rows are as good as a block
TINY = 1e-9  # keeps ratios finite where nothing ever varied


def thresholds(
    references: Mapping[str, ColumnReference],
    rows: Mapping[str, float],
    *,
    floor: float,
    block_rows: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Return each column's threshold, at least `floor`.

    `rows`: (effective) non-null rows of the live window by column. A window shorter than a block
    has the sampling noise of its few rows on top of what blocks show.
    """
    bounds = {
        name: block_threshold(reference.blocks, alpha=ALPHA / len(references))
        for name, reference in references.items()
    }
    noisy = {
        name: reference
        for name, reference in references.items()
        if bounds[name] is None or rows[name] < FULL * block_rows * _filled(reference)
    }
    noise = _noise(noisy, rows, rng=rng)
    found = {}
    for name, reference in references.items():
        bound = bounds[name]
        seen = max(reference.blocks, default=0.0) if bound is None else bound
        found[name] = max(math.hypot(seen, noise.get(name, 0.0)), floor, TINY)
    return found


def block_threshold(blocks: tuple[float, ...], *, alpha: float) -> float | None:
    """Return what a further block exceeds with probability `alpha`; None: too few blocks.

    Source: normal prediction bound of one future observation, Hahn & Meeker 1991, section 4.7, on
    logarithms.

    >>> round(block_threshold((0.1, 0.2) * 10, alpha=0.01), 2)
    0.3
    """
    logs = np.log([block for block in blocks if block > 0])
    n = len(logs)
    if n < MIN_BLOCKS:
        return None
    reach = student_t_quantile(1 - alpha, n - 1) * math.sqrt(1 + 1 / n)
    bound = math.exp(min(float(logs.mean() + reach * logs.std(ddof=1)), 50.0))
    return min(bound, CAP * max(blocks)) if n >= CAPPED_FROM else bound


def student_t_quantile(p: float, df: int) -> float:
    """Return the quantile of Student's t; within 1 % for p <= 0.9999 and df >= 7.

    Source: Cornish-Fisher expansion, Abramowitz & Stegun 1964, formula 26.7.5, so that one number
    needs no large library.

    >>> round(student_t_quantile(0.975, 10), 2)
    2.23
    """
    x = NormalDist().inv_cdf(p)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + sum(term / float(df) ** i for i, term in enumerate(terms, start=1))


def _noise(
    references: Mapping[str, ColumnReference],
    rows: Mapping[str, float],
    *,
    rng: np.random.Generator,
) -> dict[str, float]:
    names = [name for name, column in references.items() if any(column.counts.cells)]
    noise = dict.fromkeys(references, 0.0)
    if names:
        table = [_nulls(references[name], rows[name], rng=rng) for name in names]
        joint = max_t_thresholds(np.stack(table, axis=1), alpha=ALPHA)
        noise.update(zip(names, joint.tolist(), strict=True))
    return noise


def _nulls(reference: ColumnReference, rows: float, *, rng: np.random.Generator) -> np.ndarray:
    cells = reference.counts.cells
    return null_distances(
        cells,
        lambda p, q: cell_distance(reference, p, q),
        sizes=(sum(cells), rows),
        draws=DRAWS,
        rng=rng,
    )


def _filled(reference: ColumnReference) -> float:
    return sum(reference.counts.cells) / max(1, reference.counts.total)
