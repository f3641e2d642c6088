"""The data gate: no training on data that break the contract or can't teach anything.

contract, row by row -> enough rows -> columns that say something -> no twins -> no column that is
the answer. Every refusal is a `DataError` that names the column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tidegate.contract import Column, Contract
from tidegate.encoding.encoder import Encoder
from tidegate.encoding.target import encode_target
from tidegate.errors import DataError, InvalidRowsError
from tidegate.scoring.session import Matrix
from tidegate.training.reading import Reading
from tidegate.training.table import Array

MIN_ROWS = 30
MAX_TWINS = 0.2  # share of exact copies that is taken for an accident of the data
NAMED = 5
EXACT = 1e-9  # 1 - |correlation| below which a number is the target in other units


@dataclass(frozen=True)
class Admitted:
    """Data that passed: the model's matrix, the target as numbers, and what was noticed."""

    matrix: Matrix
    target: Array
    notes: tuple[str, ...]


def admit(reading: Reading, contract: Contract) -> Admitted:
    """Check the data of a training; raise `DataError` naming the column, and the file and row."""
    table = reading.table
    if table.rows == 0:
        raise DataError("the data files hold no rows, only headers")
    if table.rows < MIN_ROWS:
        raise DataError(f"{table.rows} row(s) of data; at least {MIN_ROWS} are needed to train")
    matrix = _encode(reading, contract)
    target = encode_target(contract, table.target)
    _check_target(target, contract)
    notes = [note for j, c in enumerate(contract.columns) for note in _look(matrix[:, j], c)]
    notes += _check_twins(matrix, reading, contract)
    for j, column in enumerate(contract.columns):
        _check_leak(matrix[:, j], target, column, contract)
    return Admitted(matrix, target, (*reading.notes, *notes))


def check_classes(target: Array, contract: Contract, *, part: str) -> None:
    """Raise `DataError` when a class of the contract has no row in this part of the data."""
    if contract.task == "regression":
        return
    there = np.bincount(target, minlength=contract.outputs)
    missing = [name for name, rows in zip(contract.target.classes, there, strict=True) if not rows]
    if missing:
        raise DataError(
            f"target {contract.target.column!r}: no row of class {missing[0]!r} in the {part};"
            " every class of the contract must appear"
        )


def _encode(reading: Reading, contract: Contract) -> Matrix:
    try:
        return Encoder(contract).arrays(reading.table.columns)
    except InvalidRowsError as error:
        named = []
        for problem in error.problems[:NAMED]:
            place = reading.place(problem.row) if problem.row >= 0 else "all files"
            value = _value(reading, contract, problem.column, problem.row)
            named.append(f"{place}, column {problem.column!r}: {problem.rule}{value}")
        more = f" ({error.total} problems in all)" if error.total > len(named) else ""
        raise DataError("; ".join(named) + more) from None


def _value(reading: Reading, contract: Contract, name: str, row: int) -> str:
    column = next(c for c in contract.columns if c.name == name)
    if column.pii or row < 0:
        return ""  # the message ends in logs and in the registry
    return f", not {str(reading.table.columns[name][row])[:60]!r}"


def _check_target(target: Array, contract: Contract) -> None:
    if contract.task == "regression":
        if np.ptp(target) == 0:
            raise DataError(f"target {contract.target.column!r} has one value only: {target[0]:g}")
        return
    check_classes(target, contract, part="data")


def _look(values: Array, column: Column) -> list[str]:
    null = _nulls(values, column)
    if null.all():
        raise DataError(f"column {column.name!r} is null in every row; fill it or drop it")
    present = values[~null]
    if (present == present[0]).all() and not null.any():
        return [f"column {column.name!r} has one value only, so it can't teach anything"]
    return []


def _nulls(values: Array, column: Column) -> Array:
    if column.type != "category":
        return np.isnan(values)
    code = len(column.categories) if column.nullable else -1
    return np.asarray(values == code)


def _check_twins(matrix: Matrix, reading: Reading, contract: Contract) -> list[str]:
    table = reading.table
    if table.time is None and all(c.type != "float" for c in contract.columns):
        return []  # rows of a few categories are alike without being copies
    frame = pd.DataFrame(matrix)
    frame["target"] = table.target
    if table.time is not None:
        frame["time"] = table.time
    twins = frame.duplicated().to_numpy()
    count = int(twins.sum())
    if count > MAX_TWINS * table.rows:
        first = reading.place(int(np.flatnonzero(twins)[0]))
        raise DataError(
            f"{count} of {table.rows} rows are exact copies of an earlier one in every column"
            f" (first: {first}); the same rows were probably pushed twice"
        )
    return [f"{count} row(s) are exact copies of an earlier one"] if count else []


def _check_leak(values: Array, target: Array, column: Column, contract: Contract) -> None:
    present = ~_nulls(values, column)
    known, answers = values[present].astype(np.float64), target[present]
    if len(known) < MIN_ROWS or np.ptp(known) == 0 or np.ptp(answers) == 0:
        return
    if contract.task == "regression":
        leaks = column.type != "category" and _same_line(known, answers)
    else:
        leaks = _one_to_one(known, answers)
    if leaks:
        raise DataError(
            f"column {column.name!r} is the target {contract.target.column!r} in other words: it"
            " gives the answer away and won't be known in time; take it out of [columns]"
        )


def _same_line(known: Array, answers: Array) -> bool:
    """Tell whether one is the other in other units (float32 rounding allowed)."""
    return bool(1 - abs(np.corrcoef(known, answers)[0, 1]) < EXACT)


def _one_to_one(known: Array, answers: Array) -> bool:
    """Tell whether each value goes with one class and each class with one value."""
    values, codes = np.unique(known, return_inverse=True)
    classes = np.unique(answers)
    if len(values) != len(classes):
        return False
    return len(np.unique(np.column_stack([codes, answers]), axis=0)) == len(values)
