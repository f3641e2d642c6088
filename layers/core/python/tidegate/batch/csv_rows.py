"""CSV: UTF-8 with a header line. Text becomes values by the contract's types, by nothing else.

Blank lines are no rows, wherever they stand.

An empty cell is null, in number columns `nan` is too; numbers are written with a point; booleans
are true, false, 1 or 0. What is none of these stays text, which the encoder refuses by its rule.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tidegate.batch.rows import CHUNK, LONGEST_LINE, Column, Rows, Wanted
from tidegate.contract import ColumnType
from tidegate.errors import BatchError

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
Parse = Callable[[str], Any]


def read_csv(path: Path, wanted: Wanted, *, file: str) -> Iterator[Rows]:
    """Yield the rows of a CSV file; raise `BatchError` where it breaks off being one."""
    csv.field_size_limit(LONGEST_LINE)
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        filled = filter(None, lines)  # a blank line has no cell, `""` has an empty one
        try:
            header = next(filled, None)
            if header is None:
                raise BatchError(f"{file} is empty; a header line is expected")
            wanted.check(header, file)
            yield from _chunks(filled, header, wanted)
        except csv.Error as error:
            raise BatchError(f"{file}, line {lines.line_num}: not CSV: {error}") from None
        except UnicodeDecodeError as error:
            place = f"after line {lines.line_num}"
            raise BatchError(f"{file}: not UTF-8 text {place}: {error.reason}") from None


def _chunks(lines: Iterator[list[str]], header: list[str], wanted: Wanted) -> Iterator[Rows]:
    parsers = {column.name: _PARSERS[column.type] for column in wanted.contract.columns}
    places = {name: header.index(name) for name in wanted.names}
    empty = [""] * len(header)
    first = 0
    while chunk := list(islice(lines, CHUNK)):
        unread = {
            row: f"has {len(cells)} cells, the header has {len(header)}"
            for row, cells in enumerate(chunk)
            if len(cells) != len(header)
        }
        for row in unread:
            chunk[row] = empty
        columns = {name: [cells[place] for cells in chunk] for name, place in places.items()}
        kept = {name: [cell or None for cell in columns[name]] for name in wanted.keep}
        features = {name: _parsed(columns[name], parse) for name, parse in parsers.items()}
        yield Rows(first, features, kept, unread)
        first += len(chunk)


def _parsed(cells: list[str], parse: Parse) -> Column:
    return list(map(parse, cells))


def _number(text: str) -> float | str | None:
    """Return the number that a text is.

    >>> _number("1.5"), _number(""), _number("NaN"), _number("1_0"), _number("x")
    (1.5, None, None, '1_0', 'x')
    """
    try:
        number = float(text)
    except ValueError:
        return text or None
    if number != number:  # noqa: PLR0124 - NaN
        return None
    return text if "_" in text else number


def _whole(text: str) -> int | float | str | None:
    """Return the whole number that a text is; `3.0`, as tables with gaps are saved, is one.

    >>> _whole("3"), _whole("3.0"), _whole("3.5"), _whole("")
    (3, 3, 3.5, None)
    """
    number = _number(text)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _boolean(text: str) -> bool | str | None:
    return _BOOLEANS.get(text.lower(), text or None)


def _text(text: str) -> str | None:
    return text or None


_PARSERS: dict[ColumnType, Parse] = {
    "float": _number,
    "integer": _whole,
    "boolean": _boolean,
    "category": _text,
}
