"""Windows drawn from known distributions, for tests of the judge."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from tidegate.release.evidence import Side
from tidegate.windows.values import Bins, ColumnReference, Counts, Window

EDGES = tuple(np.round(np.linspace(-4, 4, 51), 6).tolist())
CENTERS = tuple(np.linspace(-4.08, 4.08, 52).tolist())
REFERENCE = ColumnReference(Bins(edges=EDGES), Counts((1,) * 52), centers=CENTERS, scale=1.0)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def side(scores: list[npt.NDArray[np.float64]], **changes: int | dict[str, int]) -> Side:
    """Count requests, each a vector of scores."""
    rows = np.concatenate(scores) if scores else np.zeros(0)
    cells = np.bincount(np.searchsorted(EDGES, rows), minlength=len(EDGES) + 1)
    sizes = np.array([len(request) for request in scores], dtype=float)
    means = np.array([request.mean() for request in scores])
    window = Window(
        id="w",
        model="iris",
        version=1,
        release="r-1",
        start=NOON,
        end=NOON,
        score=Counts(tuple(int(n) for n in cells)),
        clusters=(
            float((sizes**2).sum()),
            float((sizes * means).sum()),
            float((sizes * means**2).sum()),
            float((rows**2).sum()),
        ),
        **{"requests": len(scores), "rows": len(rows), **changes},  # type: ignore[arg-type]
    )
    return Side(window, REFERENCE)


def single_rows(rng: np.random.Generator, rows: int, *, shift: float = 0.0) -> Side:
    """Draw requests of one row each."""
    return side([np.array([x]) for x in rng.normal(shift, 1.0, rows)])


def batches(rng: np.random.Generator, requests: int, *, rows: int, between: float) -> Side:
    """Draw requests whose rows share a part of their score: `between` of the variance."""
    shared = rng.normal(0.0, between**0.5, requests)
    own = (1 - between) ** 0.5
    return side([rng.normal(mean, own, rows) for mean in shared])
