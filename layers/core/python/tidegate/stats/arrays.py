"""What the statistics accept: one place that turns arguments into arrays, or says why not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def finite_vector(values: npt.ArrayLike, *, name: str) -> Floats:
    """Return a non-empty float64 vector; raise `ValueError` naming it on anything else.

    >>> finite_vector([1, 2], name="y")
    array([1., 2.])
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return array


def class_indices(values: npt.ArrayLike, *, name: str) -> Ints:
    """Return a non-empty int64 vector of class numbers >= 0; raise `ValueError` naming it.

    >>> class_indices([0, 2.0], name="y")
    array([0, 2])
    """
    array = finite_vector(values, name=name)
    if (array < 0).any() or (array != np.floor(array)).any():
        raise ValueError(f"{name} must hold class numbers 0, 1, 2, ...")
    return array.astype(np.int64)


def same_length(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    """Raise `ValueError` unless both have as many rows.

    >>> same_length(np.zeros(2), np.zeros(3))
    Traceback (most recent call last):
    ValueError: 2 true values, but 3 predicted ones
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} true values, but {len(second)} predicted ones")


def histogram(counts: npt.ArrayLike, *, name: str) -> Floats:
    """Return counts (cells on the last axis) as float64; raise `ValueError` naming them.

    >>> histogram([3, 1], name="p")
    array([3., 1.])
    """
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name} has no cells")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name} must hold counts >= 0")
    if (array.sum(axis=-1) <= 0).any():
        raise ValueError(f"{name} counts nothing")
    return array
