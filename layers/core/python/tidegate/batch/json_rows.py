"""JSON lines: one object per line, UTF-8. A line that is none is a bad row, not a bad file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from tidegate.batch.rows import CHUNK, LONGEST_LINE, Column, Rows, Wanted
from tidegate.decoding import parse_json
from tidegate.errors import BatchError

_BOM = b"\xef\xbb\xbf"


def read_json_lines(path: Path, wanted: Wanted, *, file: str) -> Iterator[Rows]:
    """Yield the rows of a file; empty lines are none. Raise `BatchError` on an endless line."""
    with path.open("rb") as binary:
        lines = _lines(binary, file)
        first = 0
        while chunk := list(islice(lines, CHUNK)):
            columns: dict[str, Column] = {name: [None] * len(chunk) for name in wanted.names}
            unread: dict[int, str] = {}
            for row, line in enumerate(chunk):
                found = _record(line, wanted.keep)
                if isinstance(found, str):
                    unread[row] = found
                else:
                    _take(found, row, columns, wanted, unread)
            yield wanted.rows(first, columns, unread)
            first += len(chunk)


def _lines(binary: BinaryIO, file: str) -> Iterator[bytes]:
    number = 0
    while line := binary.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise BatchError(f"{file}, line {number}: longer than {LONGEST_LINE:,} bytes")
        text = line.removeprefix(_BOM) if number == 1 else line
        if text.strip():
            yield text


def _record(line: bytes, keep: tuple[str, ...]) -> dict[str, Any] | str:
    """Return the object of a line, or why it holds none."""
    try:
        found = orjson.loads(line)
        if not isinstance(found, dict):
            return "must be a JSON object"
        # There are as many colons as keys, unless one was overwritten or a text holds some.
        if line.count(b":") != len(found) or any(_is_vague(found.get(name)) for name in keep):
            return cast(dict[str, Any], parse_json(line))
    except ValueError as error:
        return f"is not JSON: {str(error)[:100]}"
    return found


def _is_vague(value: object) -> bool:
    """Tell whether a value may hold what orjson makes a float of: whole numbers beyond 64 bits."""
    return isinstance(value, list | dict) or (isinstance(value, float) and abs(value) >= 2**63)


def _take(
    record: dict[str, Any],
    row: int,
    columns: dict[str, Column],
    wanted: Wanted,
    unread: dict[int, str],
) -> None:
    missing = [name for name in wanted.names if name not in record]
    if missing:
        unread[row] = f"column(s) {', '.join(missing[:10])} are missing"
        return
    for name, values in columns.items():
        values[row] = record[name]
