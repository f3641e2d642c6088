"""Golden requests: rows that cover the model's answers, every null and every unknown category."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidegate.contract import MISSING, UNKNOWN, Column, Contract
from tidegate.encoding.encoder import Encoder
from tidegate.package.manifest import Golden
from tidegate.scoring.predictions import tracked
from tidegate.scoring.session import Matrix, Session
from tidegate.training.table import Array

ROWS = 16
SPREAD = 10  # of these, along the scores from lowest to highest
Value = str | float | int | bool | None


def make_golden(
    columns: Mapping[str, Array], contract: Contract, *, scores: Matrix, session: Session
) -> Golden:
    """Return golden requests from rows with these scores, answered through the serving path."""
    rows = _choose(columns, contract, scores)
    records = [
        {column.name: json_value(columns[column.name][row], column) for column in contract.columns}
        for row in rows
    ]
    answers = session.run(Encoder(contract).records(list(records)))
    return Golden(tuple(records), tuple(tuple(float(x) for x in row) for row in answers))


def json_value(value: object, column: Column) -> Value:
    """Return a stored value as a request would carry it.

    >>> json_value(np.float64(7.0), Column("hour", "integer"))
    7
    """
    if column.type == "category":
        text = str(value)
        return None if text in ("", MISSING) else text
    number = float(value)  # type: ignore[arg-type]
    if np.isnan(number):
        return None
    if column.type == "boolean":
        return bool(number)
    return int(number) if column.type == "integer" else number


def _choose(columns: Mapping[str, Array], contract: Contract, scores: Matrix) -> list[int]:
    order = np.argsort(tracked(contract, scores), kind="stable")
    steps = np.linspace(0, len(order) - 1, min(SPREAD, len(order))).round().astype(int)
    chosen = [int(row) for row in order[steps]]
    for column in contract.columns:
        chosen += _first_where(_unusual(columns[column.name], column))
    chosen += [int(row) for row in order]  # fills up when little is unusual
    return list(dict.fromkeys(chosen))[:ROWS]


def _unusual(values: Array, column: Column) -> list[Array]:
    if column.type != "category":
        return [np.isnan(values)]
    null = np.isin(values, ["", MISSING])
    known = np.isin(values, list(column.categories))
    return [null, ~known & ~null | (values == UNKNOWN)]


def _first_where(masks: list[Array]) -> list[int]:
    return [int(np.flatnonzero(mask)[0]) for mask in masks if mask.any()]
