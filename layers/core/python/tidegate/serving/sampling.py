"""Samples: a few answered rows as the model saw them, without the columns that hold personal data.

Which requests are sampled follows from their ids alone, so anyone can tell and nobody can choose.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.clock import stamp
from tidegate.contract import MISSING, Column, Contract
from tidegate.scoring.session import as_matrix
from tidegate.serving.predictor import Outcome
from tidegate.serving.served import Served

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt

KIND = "sample"
MAX_ROWS = 20  # of one request
MAX_REQUESTS = 100  # between two flushes
MAX_LINE = 250_000  # bytes, as of a window's line
MAX_HEAD = 2_000  # of it, for what is no row
_HASHES = 2**64

Value = float | int | bool | str | None


def is_sampled(id: str, *, share: float) -> bool:
    """Tell whether a request belongs to the sample: by the first 8 bytes of its id's SHA-256.

    >>> is_sampled("q-1", share=1.0), is_sampled("q-1", share=0.0)
    (True, False)
    """
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8]) < share * _HASHES


class Sampler:
    """Keeps sampled rows of one served version until the next flush."""

    def __init__(self, contract: Contract, served: Served, *, share: float) -> None:
        """Sample a `share` of the requests, from 0 to 1."""
        self._served, self._share, self._classes = served, share, contract.target.classes
        self._columns = [
            (i, column.name, _reader(column))
            for i, column in enumerate(contract.columns)
            if not column.pii
        ]
        self._lines: list[str] = []

    def offer(self, outcome: Outcome, *, id: str, at: float) -> None:
        """Keep the first rows of a request if it is sampled and was answered."""
        if len(self._lines) >= MAX_REQUESTS or not is_sampled(id, share=self._share):
            return
        line = self._line(outcome, id=id, at=at)
        if line:
            self._lines.append(line)

    def lines(self) -> tuple[str, ...]:
        """Return one JSON line per sampled request, of at most `MAX_LINE` bytes."""
        return tuple(self._lines)

    def clear(self) -> None:
        """Forget what was kept."""
        self._lines.clear()

    def _line(self, outcome: Outcome, *, id: str, at: float) -> str:
        """Return as many first rows as fit; no line when not even one does."""
        rows = self._rows(outcome)
        if not rows:
            return ""
        head = {
            "kind": KIND,
            "model": self._served.model,
            "version": self._served.version,
            "release": self._served.release,
            "request": id,
            "at": stamp(datetime.fromtimestamp(at, UTC)),
            "rows": outcome.rows,
        }
        return f'{_dump(head)[:-1]},"sampled":[{",".join(rows)}]}}'

    def _rows(self, outcome: Outcome) -> list[str]:
        if outcome.features is None or outcome.scores is None:
            return []
        found, left = [], MAX_LINE - MAX_HEAD
        names = map(self._classes.__getitem__, outcome.places)
        matrix = as_matrix(outcome.features, outcome.rows)[:MAX_ROWS]
        for values, score in zip(matrix, outcome.scores, strict=False):
            row = {"score": float(score), "label": next(names, None), "features": self._row(values)}
            text = _dump(row)
            left -= len(text) + 1
            if left < 0:
                break
            found.append(text)
        return found

    def _row(self, values: npt.NDArray[np.float32]) -> dict[str, Value]:
        return {name: read(values[i]) for i, name, read in self._columns}


def _reader(column: Column) -> Callable[[np.float32], Value]:
    """Return how a column's float32 is told."""
    if column.type == "category":
        levels = column.levels
        return lambda value: None if (name := levels[int(value)]) == MISSING else name
    if column.type == "boolean":
        return lambda value: None if math.isnan(value) else bool(value)
    if column.type == "integer":
        return lambda value: None if math.isnan(value) else int(value)
    return lambda value: None if math.isnan(value) else float(str(value))  # the shortest text


def _dump(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), allow_nan=False)
