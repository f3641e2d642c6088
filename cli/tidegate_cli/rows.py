"""CSV files as rows that the contract understands: for requests, and for what came of them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.contract import Column, Contract
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

    Raises `InputError` naming file, line and column. An empty cell is null.
    """
    return list(_rows(contract, data, name=name))


def text_of(data: bytes, *, name: str) -> str:
    """Return the text of a file, gzipped or not; raise `InputError` naming it."""
    try:
        return (gzip.decompress(data) if data[:2] == GZIP else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: no UTF-8 text: {error}") from error


def _rows(contract: Contract, data: bytes, *, name: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text_of(data, name=name), newline=""))
    header = reader.fieldnames or []
    for column in contract.columns:
        if column.name not in header:
            raise InputError(f"{name}: column {column.name} is missing")
    for raw in reader:
        where = f"{name}: line {reader.line_num}"
        if None in raw or None in raw.values():
            raise InputError(f"{where}: expected {len(header)} values")
        yield Row(
            record={c.name: _value(c, raw[c.name], where) for c in contract.columns},
            label=raw.get(contract.target.column, ""),
            time=raw.get(contract.time_column, "") if contract.time_column else "",
            line=reader.line_num,
        )


def _value(column: Column, text: str, where: str) -> object:
    if text == "":
        return None
    if column.type == "category":
        return text
    if column.type == "boolean":
        return _boolean(column, text, where)
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"{where}: column {column.name}: {text!r} is no number") from None
    whole = column.type == "integer" and number.is_integer()
    return int(number) if whole else number


def _boolean(column: Column, text: str, where: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise InputError(f"{where}: column {column.name}: {text!r} is neither true nor false")
    return word in TRUE
