"""Data files into one table: find -> verify the checksum -> parse strictly, file by file.

A file is CSV with a header, gzipped or not. Empty cells are null (in number columns also `NaN`).
Columns that the contract does not list are ignored with a note.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from tidegate.contract import Column, Contract
from tidegate.errors import DataError
from tidegate.package.inputs import MAX_DATA_FILES, FileRead
from tidegate.registry.values import DataObject
from tidegate.training.table import Array, Table, join

_BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "": np.nan}
_NULLS = ("", "nan")  # of numbers, in lower case
_ROW_NAMES = ("id", "row_id")  # ignored columns whose very name promises a row of its own per value


@dataclass(frozen=True)
class Reading:
    """The table of all files, in the order of their keys, and what was noticed."""

    table: Table
    files: tuple[FileRead, ...]
    notes: tuple[str, ...]

    def place(self, row: int) -> str:
        """Say where a row of the table stands: file and row of that file, counted from 1."""
        for file in self.files:
            if row < file.rows:
                return f"{PurePosixPath(file.key).name}, row {row + 1}"
            row -= file.rows
        raise IndexError(row)


def read_files(folder: Path, objects: tuple[DataObject, ...], contract: Contract) -> Reading:
    """Read a snapshot's files from a channel's folder; raise `DataError` naming file and column."""
    if not objects:
        raise DataError(f"there are no data files; run: tidegate data push {contract.model}")
    if len(objects) > MAX_DATA_FILES:
        raise DataError(
            f"{len(objects)} data files; at most {MAX_DATA_FILES} are read: put more rows in each"
        )
    _check_twins(objects)
    tables: list[Table] = []
    files: list[FileRead] = []
    ignored: dict[str, list[Array]] = {}
    for item in sorted(objects, key=lambda o: o.key):
        file = PurePosixPath(item.key).name
        frame = _parse(_fetch(folder, item), file)
        _check_header(list(frame.columns), file, contract)
        for name in frame.columns.difference(_wanted(contract)):
            ignored.setdefault(str(name), []).append(frame[name].to_numpy(dtype=object))
        tables.append(_table(frame, file, contract))
        files.append(FileRead(item.key, item.checksum, item.size, len(frame)))
    _check_row_names(ignored)
    notes = [f"column {name!r} is not in the contract and was ignored" for name in sorted(ignored)]
    return Reading(join(tables), tuple(files), tuple(notes))


def _wanted(contract: Contract) -> list[str]:
    time = [contract.time_column] if contract.time_column else []
    return [*contract.column_names, contract.target.column, *time]


def _check_twins(objects: tuple[DataObject, ...]) -> None:
    seen: dict[str, str] = {}
    for item in objects:
        file = PurePosixPath(item.key).name
        if item.checksum in seen:
            raise DataError(
                f"{file} holds the same bytes as {seen[item.checksum]}; delete one of them"
            )
        seen[item.checksum] = file


def _check_row_names(ignored: dict[str, list[Array]]) -> None:
    for name in _ROW_NAMES:
        values = np.concatenate(ignored.get(name, [np.empty(0, dtype=object)]))
        twins = pd.Series(values).duplicated()
        if twins.any():
            raise DataError(
                f"column {name!r}: {int(twins.sum())} of {len(values)} rows repeat an id;"
                " the same rows were probably pushed twice"
            )


def _fetch(folder: Path, item: DataObject) -> bytes:
    path = folder / item.key
    if not path.is_file():
        found = sorted(folder.rglob(PurePosixPath(item.key).name))
        if len(found) != 1:
            raise DataError(f"{item.key} is not in the data channel")
        path = found[0]
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != item.checksum:
        raise DataError(
            f"{item.key} changed after the snapshot was taken; start the training again"
        )
    return data


def _parse(data: bytes, file: str) -> pd.DataFrame:
    try:
        text = (gzip.decompress(data) if file.endswith(".gz") else data).decode("utf-8-sig")
        header = next(csv.reader(io.StringIO(text)), [])
        twins = sorted({name for name in header if header.count(name) > 1})
        if twins:
            raise DataError(f"{file}: column {twins[0]!r} stands twice in the header")
        return pd.read_csv(
            io.StringIO(text),
            dtype=object,
            keep_default_na=False,
            index_col=False,
            encoding="utf-8",
        )
    except pd.errors.EmptyDataError:
        raise DataError(f"{file} is empty; a header line is expected") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file} is not a gzip file: {error}") from None
    except (pd.errors.ParserError, csv.Error) as error:
        raise DataError(f"{file} is not CSV: {error}") from None


def _check_header(header: list[str], file: str, contract: Contract) -> None:
    missing = [name for name in _wanted(contract) if name not in header]
    if missing:
        there = ", ".join(header[:20])
        raise DataError(f"{file}: column {missing[0]!r} is missing; the file has {there}")


def _table(frame: pd.DataFrame, file: str, contract: Contract) -> Table:
    columns = {c.name: _column(frame[c.name], file, c) for c in contract.columns}
    target = _target(frame[contract.target.column], file, contract)
    time = None
    if contract.time_column:
        time = _time(frame[contract.time_column], file)
    return Table(columns, target, time)


def _column(values: pd.Series, file: str, column: Column) -> Array:
    if column.type == "category":
        return _text(values)
    if column.type == "boolean":
        found = values.str.lower().map(_BOOLEANS) if len(values) else values.astype(float)
        known = values.str.lower().isin(list(_BOOLEANS)) if len(values) else values.isna()
        _refuse(~known, values, file, "true or false")
        return found.to_numpy(dtype=np.float64)
    return _numbers(values, file)


def _target(values: pd.Series, file: str, contract: Contract) -> Array:
    empty = values == ""
    _refuse(empty, values, file, "an outcome, not null: leave such rows out in the loader,")
    return _numbers(values, file) if contract.task == "regression" else _text(values)


def _numbers(values: pd.Series, file: str) -> Array:
    found = pd.to_numeric(values.mask(values == "", "nan"), errors="coerce").astype(np.float64)
    wrong = found.isna() & ~values.astype(str).str.lower().isin(_NULLS)
    _refuse(wrong, values, file, "a number")
    return found.to_numpy(dtype=np.float64)


def _text(values: pd.Series) -> Array:
    return np.array(values.to_list(), dtype=np.str_) if len(values) else np.empty(0, dtype="U1")


def _time(values: pd.Series, file: str) -> Array:
    found = pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")
    _refuse(found.isna(), values, file, "an ISO 8601 time like 2013-01-31T10:00:00Z")
    return found.dt.tz_localize(None).to_numpy(dtype="datetime64[ms]")


def _refuse(wrong: pd.Series, values: pd.Series, file: str, expected: str) -> None:
    rows = np.flatnonzero(wrong.to_numpy(dtype=bool))
    if len(rows):
        raise DataError(
            f"{file}, row {rows[0] + 1}, column {str(values.name)!r}: {expected} is expected"
            f" ({len(rows)} such row(s) in this file)"
        )
