"""The session port: a matrix in, scores out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


class Session(Protocol):
    """A loaded model."""

    def run(self, features: Matrix) -> Matrix:
        """Return scores of shape (rows, outputs) for features of shape (rows, columns)."""
        ...
