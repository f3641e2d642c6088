"""What a training learnt about the model that it made, as far as the card tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tidegate.contract import Column, Contract
from tidegate.project import Gate
from tidegate.scoring.session import Matrix
from tidegate.training.report import Parity
from tidegate.training.slices import Answers, Slices, slice_answers
from tidegate.training.table import Array

MIN_SUPPORT = 30  # training rows below which a class or a category is hardly known
HEADLINES = 2

Mask = npt.NDArray[np.bool_]
Days = tuple[str, str]  # the first and the last


@dataclass(frozen=True)
class Support:
    """On how many rows something rests."""

    name: str
    train_rows: int
    holdout_rows: int


@dataclass(frozen=True)
class Known:
    """What the rows tell: their days, rows of each class, categories that training hardly saw."""

    train_days: Days | None = None
    holdout_days: Days | None = None
    classes: tuple[Support, ...] = ()
    rare: tuple[tuple[str, Support], ...] = ()  # by column
    seen: Mapping[str, str] = field(default_factory=dict)  # in training, in words, by column
    slices: Slices = field(default_factory=Slices)


@dataclass(frozen=True)
class CardFacts:
    """What a training learnt about the model that it made."""

    estimator: str
    way: str  # how it became ONNX
    train_rows: int
    holdout_rows: int
    metrics: Mapping[str, float]
    parity: Parity
    notes: tuple[str, ...]
    files: int = 0  # of training data
    known: Known = field(default_factory=Known)


@dataclass(frozen=True, eq=False)
class Rows:
    """All admitted rows: matrix, target as numbers, time or None, and which are the holdout."""

    matrix: Matrix
    target: Array
    time: Array | None
    holdout: Mask


def know(rows: Rows, contract: Contract, *, scores: Matrix, gates: tuple[Gate, ...]) -> Known:
    """Return what the rows tell; `scores` (rows, outputs) are the holdout's.

    Slices are measured by the metrics of the first gates.
    """
    metrics = tuple(dict.fromkeys(gate.metric for gate in gates))[:HEADLINES]
    held = rows.holdout
    answers = Answers(rows.matrix[held], rows.target[held], scores)
    return Known(
        train_days=_days(rows.time, ~held),
        holdout_days=_days(rows.time, held),
        classes=_support(rows.target, contract.target.classes, held),
        rare=_rare(rows, contract),
        seen={
            column.name: _seen(rows.matrix[~held, j], column)
            for j, column in enumerate(contract.columns)
            if not column.pii  # least and greatest value are somebody's
        },
        slices=slice_answers(answers, contract, metrics=metrics),
    )


def _days(time: Array | None, which: Mask) -> Days | None:
    if time is None:
        return None
    days = time[which].astype("datetime64[D]")
    return str(days.min()), str(days.max())


def _seen(values: Array, column: Column) -> str:
    known = values[~np.isnan(values)]
    if not known.size:
        return "nulls only"
    if column.type == "category":
        names = column.categories
        return f"{np.count_nonzero(np.unique(known) < len(names))} of {len(names)}"
    if column.type == "boolean":
        return " and ".join(word for word, bit in (("true", 1), ("false", 0)) if bit in known)
    return f"{known.min():g} to {known.max():g}"


def _support(codes: Array, names: tuple[str, ...], held: Mask) -> tuple[Support, ...]:
    if not names:  # a regression
        return ()
    train, holdout = (
        np.bincount(part.astype(np.int64), minlength=len(names))
        for part in (codes[~held], codes[held])
    )
    return tuple(Support(name, int(train[i]), int(holdout[i])) for i, name in enumerate(names))


def _rare(rows: Rows, contract: Contract) -> tuple[tuple[str, Support], ...]:
    return tuple(
        (column.name, one)
        for j, column in enumerate(contract.columns)
        if column.type == "category"
        for one in _support(rows.matrix[:, j], column.levels, rows.holdout)
        if one.train_rows < MIN_SUPPORT
    )
