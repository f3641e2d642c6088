"""Rows to the model's matrix, by the contract; nothing is coerced silently.

A column must be there under its own name, null or not: one that is left out is as likely a typing
error as a null. All faults are counted, the first 20 in row order are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter, itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.contract import Contract
from tidegate.encoding.coders import coder
from tidegate.encoding.fast import FastPaths, rows_of
from tidegate.encoding.port import Coder
from tidegate.errors import InvalidRowsError, PayloadTooLargeError, Problem
from tidegate.scoring.session import Features, Matrix, Packed, as_matrix

if TYPE_CHECKING:  # importing it takes half a millisecond of a start
    import numpy.typing as npt

SMALL = 8  # below so many rows a loop over rows beats numpy's cost per column
NAMED = 20  # problems that an answer lists


class Encoder:
    """Compiles a contract once; every method returns a float32 matrix (rows, features)."""

    def __init__(self, contract: Contract) -> None:
        """Prepare one coder per column, in matrix order."""
        self._coders: tuple[tuple[str, Coder], ...] = tuple(
            (column.name, coder(column)) for column in contract.columns
        )
        self._by_name = dict(self._coders)
        self._first = contract.column_names[0]
        self._max_rows = contract.max_rows
        self._few = min(SMALL - 1, contract.max_rows)
        self._fast = FastPaths([code for _, code in self._coders])
        self._values_of = _getter(contract.column_names)
        self._lists = (list,) * len(self._by_name)

    def records(self, records: object) -> Matrix:
        """Encode a list of JSON objects; raise `InvalidRowsError` or `PayloadTooLargeError`."""
        if not isinstance(records, list):
            raise _whole("records", "must be a list of objects")
        self._check_count(len(records), "records")
        try:
            rows = list(map(self._values_of, records))
        except (KeyError, TypeError):  # a column is missing, or a record is no object
            raise self._refused_records(records) from None
        if sum(map(len, records)) != len(records) * len(self._coders):
            raise self._refused_records(records)
        if len(rows) >= SMALL:
            return self._by_column(list(zip(*rows, strict=True)))
        packed = self._fast.rows(rows)
        return self._one_by_one(rows) if packed is None else as_matrix(packed, len(rows))

    def few_records(self, records: Any) -> Packed | None:  # noqa: ANN401 - any JSON
        """Return few records that are plainly right, None for others; `records` tells of those."""
        values_of, width, rows = self._values_of, len(self._by_name), []
        try:
            if not 0 < len(records) <= self._few:
                return None
            for record in records:
                rows.append(values_of(record))
                if len(record) != width:
                    return None
        except (KeyError, TypeError):  # no list, or of no objects, or a column is missing
            return None
        return self._fast.rows(rows)

    def few_columns(self, columns: Any) -> Packed | None:  # noqa: ANN401 - any JSON
        """Return columns of few rows that are plainly right, None for others, as `few_records`."""
        first = columns.get(self._first) if type(columns) is dict else None
        if type(first) is not list or not 0 < len(first) <= self._few:  # the cheapest look
            return None
        try:
            lists = self._values_of(columns)
            if len(columns) != len(lists) or tuple(map(type, lists)) != self._lists:
                return None
            return self._fast.rows(rows_of(lists))
        except (KeyError, ValueError):  # a column is missing, or they are not equally long
            return None

    def _by_column(self, columns: Sequence[Sequence[Any]]) -> Matrix:
        matrix = self._fast.columns(columns, len(columns[0]))
        return self._one_by_one(list(zip(*columns, strict=True))) if matrix is None else matrix

    def columns(self, columns: object) -> Matrix:
        """Encode an object of equally long lists; raises as `records` does."""
        if not isinstance(columns, dict):
            raise _whole("columns", "must be an object of lists")
        lists = self._equally_long(columns, {list})
        found = self.plainly(lists, len(lists[0]))
        if found is None:
            return self._one_by_one(list(zip(*lists, strict=True)))
        return as_matrix(found, len(lists[0]))

    def typed_rows(self, rows: Sequence[Sequence[Any]]) -> Features | None:
        """Encode rows of the types of `typed.type_of`; None when not plainly right."""
        if not 0 < len(rows) <= self._max_rows:
            return None
        if len(rows) < SMALL:
            return self._fast.typed_rows(rows)
        return self._fast.columns(list(zip(*rows, strict=True)), len(rows), typed=True)

    def coded_rows(self, rows: Sequence[tuple[Any, ...]]) -> Features | None:
        """Encode rows as `typed.TypedBodies` reads them; None when not plainly right."""
        if not 0 < len(rows) <= self._max_rows:
            return None
        packed = self._fast.coded_rows(rows)
        return packed if packed is None or len(rows) < SMALL else as_matrix(packed, len(rows))

    def plainly(self, columns: Sequence[Any], rows: int, *, typed: bool = False) -> Features | None:
        """Encode columns of so many values in the contract's order, None when not plainly right.

        They are lists; when `typed` also buffers of doubles that are right but for bounds, and no
        list of a float column holds a boolean.
        """
        if not 0 < rows <= self._max_rows:
            return None
        if rows < SMALL and not typed:
            return self._fast.rows(rows_of(columns))
        return self._fast.columns(columns, rows, typed=typed)

    def tensors(
        self,
        columns: Mapping[str, list[Any] | npt.NDArray[Any]],
        *,
        wrong: Sequence[Problem] = (),
    ) -> Matrix:
        """Encode columns of which some are arrays (rows,); raises as `records` does.

        Arrays of floats (NaN for null where that is allowed), integers and booleans have the rules
        of the same JSON values; categories are lists. `wrong` is what the caller has found; it is
        told together with what else there is.
        """
        if wrong:
            raise _refused(self._beside(wrong, columns))
        values = self._equally_long(columns, {list, np.ndarray})
        matrix = self._fast.columns(values, len(values[0])) if len(values[0]) >= SMALL else None
        if matrix is not None:
            return matrix
        lists = [_as_json(v, code) for v, (_, code) in zip(values, self._coders, strict=True)]
        return self.columns(dict(zip((name for name, _ in self._coders), lists, strict=True)))

    def _equally_long(self, columns: Mapping[str, Any], kinds: set[type]) -> Sequence[Any]:
        """Return the columns in order; raise when they are others or not equally long."""
        if columns.keys() != self._by_name.keys() or not set(map(type, columns.values())) <= kinds:
            raise _refused(self._column_problems(columns, kinds))
        lists: Sequence[Any] = self._values_of(columns)
        rows = len(lists[0])
        self._check_count(rows, "columns")
        if set(map(len, lists)) != {rows}:
            raise _refused(
                Problem(-1, name, f"must have {rows} values like the first, not {len(values)}")
                for (name, _), values in zip(self._coders, lists, strict=True)
                if len(values) != rows
            )
        return lists

    def _beside(self, wrong: Sequence[Problem], columns: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield what is known to be wrong and what else is, by rows; of one value one fault."""
        told = {(problem.row, problem.column) for problem in wrong}
        found = (
            problem
            for problem in self._column_problems(columns, {list, np.ndarray})
            if not told & {(-1, problem.column), (problem.row, problem.column)}
        )
        from heapq import merge  # no answer that is right needs it

        row = attrgetter("row")
        yield from merge(sorted(wrong, key=row), found, key=row)

    def _column_problems(self, columns: Mapping[str, Any], kinds: set[type]) -> Iterator[Problem]:
        """Yield what is wrong with the names, then with the values of columns that are there."""
        yield from self._list_problems(columns, kinds)
        there = [one for one in self._coders if type(columns.get(one[0])) in kinds]
        if len({len(columns[name]) for name, _ in there}) == 1:
            lists = [_as_json(columns[name], code) for name, code in there]
            for row, values in enumerate(zip(*lists, strict=True)):
                codes = [code.one(v) for (_, code), v in zip(there, values, strict=True)]
                yield from _value_problems(row, there, codes)

    def _list_problems(self, columns: Mapping[str, Any], kinds: set[type]) -> Iterator[Problem]:
        yield from self._name_problems(columns, -1)
        for name, values in columns.items():
            if name in self._by_name and type(values) not in kinds:
                yield Problem(-1, str(name), "must be a list of values")

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

    def _one_by_one(self, rows: Sequence[tuple[Any, ...]]) -> Matrix:
        """Encode values in column order by the rules themselves; raise what they say."""
        codes = [
            [code.one(value) for (_, code), value in zip(self._coders, values, strict=True)]
            for values in rows
        ]
        if any(type(found) is str for row in codes for found in row):
            raise _refused(
                problem
                for row, answers in enumerate(codes)
                for problem in _value_problems(row, self._coders, answers)
            )
        return np.array(codes, dtype=np.float32)

    def _refused_records(self, records: Sequence[object]) -> InvalidRowsError:
        """Name the first problems and count all, in the time that the records' own values take.

        `{}` is short, and has a problem for each column.
        """
        named, total = list(islice(self._record_problems(records), NAMED)), 0
        for record in records:
            if type(record) is not dict:
                total += 1
                continue
            known = [name for name in record if name in self._by_name]
            answers = (self._by_name[name].one(record[name]) for name in known)
            wrong = sum(isinstance(answer, str) for answer in answers)
            total += len(self._by_name) + len(record) - 2 * len(known) + wrong
        return InvalidRowsError(named, total)

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

    def _name_problems(self, found: Mapping[Any, object], row: int) -> Iterator[Problem]:
        for name, _ in self._coders:
            if name not in found:
                yield Problem(row, name, "is missing")
        for other in found:
            if other not in self._by_name:
                yield Problem(row, _printable(str(other)), "is no column of the contract")

    def _check_count(self, rows: int, key: str) -> None:
        if rows == 0:
            raise _whole(key, "must hold at least one row")
        if rows > self._max_rows:
            raise PayloadTooLargeError(f"at most {self._max_rows} rows are taken, not {rows}")


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes these keys out of a dict, as a tuple."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda record: tuple(record[name] for name in names)


def _value_problems(
    row: int, coders: Sequence[tuple[str, Coder]], answers: Sequence[float | str]
) -> Iterator[Problem]:
    for (name, _), answer in zip(coders, answers, strict=True):
        if isinstance(answer, str):
            yield Problem(row, name, answer)


def _as_json(values: list[Any] | npt.NDArray[Any], code: Coder) -> list[Any]:
    """Return an array's values as a JSON reader would have made them."""
    if isinstance(values, list):
        return values
    found: list[Any] = values.tolist()
    if NoneType in code.domain.kinds:
        return [None if value != value else value for value in found]  # noqa: PLR0124 - NaN
    return found


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
