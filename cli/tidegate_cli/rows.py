"""CSV files as rows that the contract understands: for requests, and for what came of them."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.contract import Column, Contract
from tidegate.serving.receipts import MAX_LENGTH
from tidegate_cli.faults import InputError

GZIP = b"\x1f\x8b"
TRUE, FALSE = {"true", "1", "1.0", "yes"}, {"false", "0", "0.0", "no"}


@dataclass(frozen=True)
class Row:
    """One row: the features as JSON values, the target as text, the time as text."""

    record: dict[str, object]
    label: str = ""
    time: str = ""
    line: int = 0


def read_csv(contract: Contract, data: bytes, *, name: str = "the file") -> list[Row]:
    """Read CSV bytes (gzipped or not); columns of no meaning to the contract are left out.

    Raises `InputError` naming file, line and column. An empty cell is null, a number's `nan` too.
    """
    return list(_rows(contract, data, name=name))


def text_of(data: bytes, *, name: str) -> str:
    """Return the text of a file, gzipped or not; raise `InputError` naming it."""
    try:
        return (gzip.decompress(data) if data[:2] == GZIP else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{name}: no UTF-8 text: {error}") from error


def cells_of(
    data: bytes, columns: Sequence[str], *, name: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line where each row of a CSV begins, and its cells by the header's names.

    Raises `InputError` naming the line of what is no CSV, and the `columns` that are missing.
    """
    csv.field_size_limit(MAX_LENGTH)  # the longest cell is a receipt
    reader = csv.reader(io.StringIO(text_of(data, name=name), newline=""), strict=True)
    ended = 0
    try:
        header = next(reader, [])
        _check_header(header, columns, name)
        ended = reader.line_num
        for cells in reader:
            line, ended = ended + 1, reader.line_num
            if cells and len(cells) != len(header):
                counts = f"expected {len(header)} values, found {len(cells)}"
                raise InputError(f"{name}: line {line}: {counts}")
            if cells:
                yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:  # of a stray quote: where the file ends, far from its line
        where = f"{name}: line {ended + 1}"
        raise InputError(f"{where}: no CSV: {error}, in the row that begins here") from None


def number_of(text: str, where: str) -> float | None:
    """Return the number that a cell holds; `nan` is null, as it is in a batch.

    >>> number_of("1.5", "line 2"), number_of("nan", "line 3")
    (1.5, None)
    """
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    if math.isinf(number) or "_" in text:
        raise InputError(f"{where}: {text[:50]!r} is no finite number")
    return None if math.isnan(number) else number


def _check_header(header: list[str], columns: Sequence[str], name: str) -> None:
    for column in columns:
        if header.count(column) != 1:
            fault = "stands twice in the header" if column in header else "is missing"
            raise InputError(f"{name}: column {column} {fault}")


def _rows(contract: Contract, data: bytes, *, name: str) -> Iterator[Row]:
    for line, cells in cells_of(data, contract.column_names, name=name):
        where = f"{name}: line {line}"
        yield Row(
            record={c.name: _value(c, cells[c.name], where) for c in contract.columns},
            label=cells.get(contract.target.column, ""),
            time=cells.get(contract.time_column, "") if contract.time_column else "",
            line=line,
        )


def _value(column: Column, text: str, where: str) -> object:
    if text == "":
        return None
    if column.type == "category":
        return text
    if column.type == "boolean":
        return _boolean(column, text, where)
    number = number_of(text, f"{where}: column {column.name}")
    if column.type == "integer" and number is not None and number.is_integer():
        return int(number)
    return number


def _boolean(column: Column, text: str, where: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise InputError(f"{where}: column {column.name}: {text!r} is neither true nor false")
    return word in TRUE
