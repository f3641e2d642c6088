"""The session port: rows in, scores out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Matrix = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]
Packed = bytes  # few rows: their float32, row after row
Features = Matrix | Packed


class Session(Protocol):
    """A loaded model."""

    def run(self, features: Matrix) -> Matrix:
        """Return scores of shape (rows, outputs) for features of shape (rows, columns)."""
        ...


class FewRowsSession(Session, Protocol):
    """A loaded model that also answers a request of few rows without an array around them."""

    def run_few(self, rows: Packed) -> tuple[float, ...]:
        """Return what `run` would, row after row."""
        ...


def as_matrix(features: Features, rows: int) -> Matrix:
    """Return features as a matrix (rows, columns).

    >>> as_matrix(np.float32([1, 2, 3, 4]).tobytes(), 2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if isinstance(features, bytes):
        return np.frombuffer(features, np.float32).reshape(rows, -1)
    return features
