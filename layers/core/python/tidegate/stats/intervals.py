"""Confidence intervals of proportions that hold at small counts and at 0 and 1."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(successes: float, total: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion, within [0, 1].

    `total` may be an effective number of rows. Raises `ValueError` unless 0 <= successes <= total,
    total > 0 and 0 < confidence < 1.
    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.

    >>> tuple(round(end, 4) for end in wilson(5, 10))
    (0.2366, 0.7634)
    """
    if not (0 <= successes <= total and 0 < total < math.inf):
        raise ValueError(f"{successes} of {total} is no proportion")
    z = _normal_quantile(confidence)
    share = successes / total
    middle = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    bottom = 1 + z * z / total
    low = 0.0 if successes == 0 else max(0.0, (middle - reach) / bottom)
    high = 1.0 if successes == total else min(1.0, (middle + reach) / bottom)
    return low, high


def newcombe(
    first: tuple[float, float], second: tuple[float, float], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Return an interval of the difference first - second of two independent proportions.

    Each side is (successes, total); raises `ValueError` as `wilson` does.
    Source: hybrid score interval, Newcombe 1998, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    >>> tuple(round(end, 4) for end in newcombe((56, 70), (48, 80)))
    (0.0524, 0.3339)
    """
    low_1, high_1 = wilson(*first, confidence=confidence)
    low_2, high_2 = wilson(*second, confidence=confidence)
    share_1, share_2 = first[0] / first[1], second[0] / second[1]
    difference = share_1 - share_2
    low = difference - math.hypot(share_1 - low_1, high_2 - share_2)
    high = difference + math.hypot(high_1 - share_1, share_2 - low_2)
    return max(-1.0, low), min(1.0, high)


def _normal_quantile(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf(0.5 + confidence / 2)
