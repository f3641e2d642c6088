"""Distances between two histograms over the same cells (the last axis; leading axes broadcast).

Arguments are counts; only their proportions matter. All raise `ValueError` on histograms that are
empty, negative or of unequal width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tidegate.stats.arrays import Floats, histogram

Distance = Callable[[npt.ArrayLike, npt.ArrayLike], Floats]


def wasserstein(
    p: npt.ArrayLike,
    q: npt.ArrayLike,
    *,
    centers: npt.ArrayLike,
    q_centers: npt.ArrayLike | None = None,
    scale: float = 1.0,
) -> Floats:
    """Return the first Wasserstein distance, in units of `scale` (e.g. a standard deviation).

    `p` (..., cells) lies at `centers` (cells,), in increasing order; `q` too, unless `q_centers`
    says where. Raises `ValueError` unless `scale` > 0. Within a cell mass does not move, so the
    result is at most off by the width of the cells. Source: Ramdas et al. 2017, arXiv:1509.02237,
    eq. (8).

    >>> float(wasserstein([1, 0], [0, 1], centers=[10.0, 14.0], scale=2.0))
    2.0
    """
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be > 0, not {scale}")
    at_p = _centers(centers, name="centers")
    at_q = at_p if q_centers is None else _centers(q_centers, name="q_centers")
    left, right = histogram(p, name="p"), histogram(q, name="q")
    if left.shape[-1] != len(at_p) or right.shape[-1] != len(at_q):
        raise ValueError("a histogram has another number of cells than its centers")
    if q_centers is not None:
        support = np.union1d(at_p, at_q)
        left, right = _spread(left, at_p, support), _spread(right, at_q, support)
        at_p = support
    gaps = np.abs(_cumulative(left) - _cumulative(right))[..., :-1]
    result: Floats = (gaps * np.diff(at_p)).sum(axis=-1) / scale
    return result


def jensen_shannon(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Return the Jensen-Shannon distance in [0, 1]: the root of the divergence in bits.

    `p`, `q` (..., cells). Source: Endres & Schindelin 2003, doi:10.1109/TIT.2003.813506.

    >>> float(jensen_shannon([1, 0], [0, 1]))
    1.0
    """
    left, right = _pair(p, q)
    middle = (left + right) / 2
    divergence = (_entropy_terms(left, middle) + _entropy_terms(right, middle)) / 2
    result: Floats = np.sqrt(np.clip(divergence, 0.0, 1.0))
    return result


def ks(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Return the Kolmogorov-Smirnov distance in [0, 1] at the cells' borders.

    `p`, `q` (..., cells) in value order. Source: Smirnov 1948, doi:10.1214/aoms/1177730256.

    >>> float(ks([2, 2, 0], [0, 2, 2]))
    0.5
    """
    left, right = _pair(p, q)
    result: Floats = np.abs(np.cumsum(left, axis=-1) - np.cumsum(right, axis=-1)).max(axis=-1)
    return np.minimum(result, 1.0)


def _pair(p: npt.ArrayLike, q: npt.ArrayLike) -> tuple[Floats, Floats]:
    left, right = histogram(p, name="p"), histogram(q, name="q")
    if left.shape[-1] != right.shape[-1]:
        raise ValueError(f"p has {left.shape[-1]} cells, but q has {right.shape[-1]}")
    return _share(left), _share(right)


def _share(counts: Floats) -> Floats:
    share: Floats = counts / counts.sum(axis=-1, keepdims=True)
    return share


def _cumulative(counts: Floats) -> Floats:
    return np.cumsum(_share(counts), axis=-1)


def _entropy_terms(p: Floats, middle: Floats) -> Floats:
    ratio = np.divide(p, middle, out=np.ones(np.broadcast(p, middle).shape), where=p > 0)
    terms: Floats = (p * np.log2(ratio)).sum(axis=-1)
    return terms


def _centers(values: npt.ArrayLike, *, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all() or (np.diff(array) < 0).any():
        raise ValueError(f"{name} must be finite and in increasing order")
    return array


def _spread(counts: Floats, centers: Floats, support: Floats) -> Floats:
    placed = np.zeros((*counts.shape[:-1], len(support)))
    for cell, place in enumerate(np.searchsorted(support, centers)):
        placed[..., place] += counts[..., cell]
    return placed
