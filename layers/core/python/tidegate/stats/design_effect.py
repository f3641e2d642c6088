"""Design effect: how many independent rows the rows are worth that arrive in requests.

Rows of one request resemble each other (one day, one airport), so their scores tell less than as
many rows would from everywhere. The four sums of a window are enough to say how much less.
"""

from __future__ import annotations

import math

Clusters = tuple[float, float, float, float]


def intraclass_correlation(clusters: Clusters, *, requests: int, rows: int) -> float:
    """Return the share of the scores' variance that lies between requests, in [0, 1].

    `clusters`: sum over requests of n^2, n*m and n*m^2, and over rows of x^2 (n rows of a
    request, m their mean score, x a row's score); `requests` and `rows` count what went into the
    sums. With one request nothing tells it apart, and 1, the cautious answer, is returned; with
    single-row requests or without variance it is 0. Raises `ValueError` on sums that no data
    have. Source: one-way ANOVA estimator, Donner & Koval 1980, doi:10.2307/2530491, cut to [0,
    1].

    >>> intraclass_correlation((8, 2.0, 2.0, 2.0), requests=2, rows=4)  # scores 0 0 | 1 1
    1.0
    """
    squares, total, between, overall = _checked(clusters, requests=requests, rows=rows)
    correction = total * total / rows
    scatter = overall - correction
    # Cancellation leaves rounding noise of the size of the sums: below it there is no variance.
    if rows == requests or scatter <= 1e-12 * max(overall, correction):
        return 0.0
    if requests == 1:
        return 1.0
    among = max(0.0, between - correction)
    within = max(0.0, overall - between)
    mean_among, mean_within = among / (requests - 1), within / (rows - requests)
    size = (rows - squares / rows) / (requests - 1)
    bottom = mean_among + (size - 1) * mean_within
    return min(1.0, max(0.0, (mean_among - mean_within) / bottom)) if bottom > 0 else 0.0


def effective_rows(clusters: Clusters, *, requests: int, rows: int) -> float:
    """Return the number of independent rows that carry as much information, in [1, rows].

    Arguments and errors as of `intraclass_correlation`; 0 rows are worth 0.
    Source: rows / (1 + (sum n^2 / rows - 1) * correlation), Kish 1965, section 8.2, for unequal
    requests: Donner, Birkett & Buck 1981, doi:10.1093/oxfordjournals.aje.a113261.

    >>> effective_rows((8, 2.0, 2.0, 2.0), requests=2, rows=4)
    2.0
    """
    if rows == 0:
        return 0.0
    correlation = intraclass_correlation(clusters, requests=requests, rows=rows)
    effect = 1 + (clusters[0] / rows - 1) * correlation
    return min(float(rows), max(1.0, rows / effect))


def _checked(clusters: Clusters, *, requests: int, rows: int) -> Clusters:
    if not 1 <= requests <= rows:
        raise ValueError(f"{rows} rows can't have come in {requests} requests")
    if not all(math.isfinite(part) for part in clusters):
        raise ValueError("the sums over requests are not finite")
    if clusters[0] < rows or clusters[2] < 0 or clusters[3] < 0:
        raise ValueError("the sums over requests are not those of any data")
    return clusters
