"""Rows to the model's matrix, by the contract: one pass per column, nothing coerced silently.

A column must be there under its own name, null or not: one that is left out is as likely a typing
error as a null. All faults are counted, the first 20 in row order are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.contract import Contract
from tidegate.encoding.coders import Coder, coder
from tidegate.errors import InvalidRowsError, PayloadTooLargeError, Problem
from tidegate.scoring.session import Matrix

SMALL = 16  # below so many rows a loop over values beats numpy's cost per call
NAMED = 20  # problems that an answer lists


class Encoder:
    """Compiles a contract once; every method returns a float32 matrix (rows, features)."""

    def __init__(self, contract: Contract) -> None:
        """Prepare one coder per column, in matrix order."""
        self._coders: tuple[tuple[str, Coder], ...] = tuple(
            (column.name, coder(column)) for column in contract.columns
        )
        self._names = frozenset(contract.column_names)
        self._max_rows = contract.max_rows

    def records(self, records: object) -> Matrix:
        """Encode a list of JSON objects; raise `InvalidRowsError` or `PayloadTooLargeError`."""
        if not isinstance(records, list):
            raise _whole("records", "must be a list of objects")
        self._check_count(len(records), "records")
        if set(map(type, records)) != {dict} or any(r.keys() != self._names for r in records):
            raise _refused(self._record_problems(records))
        return self._encode([[row[name] for row in records] for name, _ in self._coders])

    def columns(self, columns: object) -> Matrix:
        """Encode an object of equally long lists; raises as `records` does."""
        if not isinstance(columns, dict):
            raise _whole("columns", "must be an object of lists")
        problems = [*self._name_problems(columns, -1)]
        problems += [
            Problem(-1, str(name), "must be a list of values")
            for name in columns
            if name in self._names and not isinstance(columns[name], list)
        ]
        if problems:
            raise _refused(iter(problems))
        lists = [columns[name] for name, _ in self._coders]
        self._check_count(len(lists[0]), "columns")
        wrong = [
            Problem(-1, name, f"must have {len(lists[0])} values like the first, not {len(values)}")
            for (name, _), values in zip(self._coders, lists, strict=True)
            if len(values) != len(lists[0])
        ]
        if wrong:
            raise _refused(iter(wrong))
        return self._encode(lists)

    def arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Matrix:
        """Encode arrays: numbers with NaN for null, text with '' for null; other names are ignored.

        There is no row limit, for these are training and holdout data; the rules are the same.
        """
        shapes = {name: arrays[name].shape for name, _ in self._coders if name in arrays}
        rows = next(iter(shapes.values()), (0,))[:1]
        problems: list[Problem] = []
        for name, _ in self._coders:
            if name not in shapes:
                problems.append(Problem(-1, name, "is missing"))
            elif shapes[name] != rows:
                problems.append(Problem(-1, name, f"must have shape {rows}, not {shapes[name]}"))
        if problems:
            raise _refused(iter(problems))
        matrix = np.empty((*rows, len(self._coders)), dtype=np.float32)
        total = 0
        for j, (name, code) in enumerate(self._coders):
            values, wrong, rule = code.array(arrays[name])
            found = np.flatnonzero(wrong)
            total += len(found)
            problems += [Problem(int(row), name, rule) for row in found[:NAMED]]
            matrix[:, j] = np.where(wrong, 0.0, values)
        if total:
            raise InvalidRowsError(sorted(problems, key=lambda p: p.row), total)
        return matrix

    def _encode(self, columns: Sequence[Sequence[Any]]) -> Matrix:
        """Encode lists of equal length, one per coder."""
        if len(columns[0]) < SMALL:
            return self._encode_few(columns)
        matrix = np.empty((len(columns[0]), len(columns)), dtype=np.float32)
        for j, ((_, code), values) in enumerate(zip(self._coders, columns, strict=True)):
            found = code.many(values)
            if found is None:  # in doubt, so value by value
                codes = [code.one(value) for value in values]
                if str in set(map(type, codes)):
                    raise _refused(self._value_problems(columns))
                found = np.array(codes, dtype=np.float64)
            matrix[:, j] = found
        return matrix

    def _encode_few(self, columns: Sequence[Sequence[Any]]) -> Matrix:
        codes = [
            [code.one(value) for value in values]
            for (_, code), values in zip(self._coders, columns, strict=True)
        ]
        if any(type(value) is str for values in codes for value in values):
            raise _refused(self._value_problems(columns))
        return np.array(list(zip(*codes, strict=True)), dtype=np.float32)

    def _value_problems(self, columns: Sequence[Sequence[Any]]) -> Iterator[Problem]:
        for row, values in enumerate(zip(*columns, strict=True)):
            for (name, code), value in zip(self._coders, values, strict=True):
                answer = code.one(value)
                if isinstance(answer, str):
                    yield Problem(row, name, answer)

    def _record_problems(self, records: Sequence[object]) -> Iterator[Problem]:
        for row, record in enumerate(records):
            if type(record) is not dict:
                yield Problem(row, "", "must be an object")
                continue
            yield from self._name_problems(record, row)
            for name, code in self._coders:
                answer = code.one(record[name]) if name in record else 0.0
                if isinstance(answer, str):
                    yield Problem(row, name, answer)

    def _name_problems(self, found: Mapping[object, object], row: int) -> Iterator[Problem]:
        for name, _ in self._coders:
            if name not in found:
                yield Problem(row, name, "is missing")
        for other in found:
            if other not in self._names:
                yield Problem(row, _printable(str(other)), "is no column of the contract")

    def _check_count(self, rows: int, key: str) -> None:
        if rows == 0:
            raise _whole(key, "must hold at least one row")
        if rows > self._max_rows:
            raise PayloadTooLargeError(f"at most {self._max_rows} rows are taken, not {rows}")


def _whole(key: str, rule: str) -> InvalidRowsError:
    return InvalidRowsError([Problem(-1, key, rule)])


def _refused(problems: Iterator[Problem]) -> InvalidRowsError:
    """Count all problems and keep the first ones only."""
    named: list[Problem] = []
    total = 0
    for problem in problems:
        total += 1
        if len(named) < NAMED:
            named.append(problem)
    return InvalidRowsError(named, total)


def _printable(name: str) -> str:
    """Return what a client named a column, cut and safe to print."""
    return name[:80] if name.isprintable() else ascii(name[:80])[1:-1]
