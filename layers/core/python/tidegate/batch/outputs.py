"""Output files: row number, kept columns, answers, problem; one line per row of the input."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

import orjson

from tidegate.batch.scorer import Scored, columns
from tidegate.batch.values import Format
from tidegate.contract import Contract
from tidegate.errors import BatchError, RequestError

ROW, PROBLEM = "row", "problem"


class Output(Protocol):
    """A file that grows by chunks."""

    def write(self, scored: Scored) -> None:
        """Append rows."""
        ...


def types_of(contract: Contract, keep: tuple[str, ...], form: Format) -> dict[str, str]:
    """Return the columns of an output with their Parquet types; kept columns are text there.

    Raises what `check_names` does.
    """
    answers = columns(contract)
    check_names(keep, form, answers)
    return {ROW: "BIGINT", **dict.fromkeys(keep, "VARCHAR"), **answers, PROBLEM: "VARCHAR"}


def check_names(keep: tuple[str, ...], form: Format, answers: Iterable[str] = ()) -> None:
    """Refuse columns that can't stand in one file; without `answers`, as far as an order tells.

    Raises `RequestError` when a kept column has the name of another one, `BatchError` when two
    names are one to a Parquet file.
    """
    taken = {ROW, PROBLEM, *answers}
    for name in keep:
        if name in taken:
            raise RequestError(f"--keep {name}: the output has a column of that name already")
        taken.add(name)
    if form == "parquet":
        _check_case((ROW, *keep, *answers, PROBLEM))


def _check_case(names: tuple[str, ...]) -> None:
    seen: dict[bytes, str] = {}
    for name in names:
        # DuckDB folds the letters of ASCII alone, and so do bytes.
        other = seen.setdefault(name.encode().lower(), name)
        if other != name:
            raise BatchError(
                f"columns {other!r} and {name!r} differ in their letters' case alone: a Parquet "
                f"output can't hold both, --format csv or jsonl can"
            )


def write_output(
    scored: Iterable[Scored], path: Path, *, form: Format, types: Mapping[str, str]
) -> None:
    """Write all rows to a file of a format; the bytes depend on nothing else."""
    # Parquet has no lines to append to: DuckDB makes it of JSON lines, once all are there.
    target = path.with_suffix(".lines") if form == "parquet" else path
    with target.open("w", encoding="utf-8", newline="") as text:
        output: Output = CsvOutput(text, types) if form == "csv" else JsonOutput(text, types)
        for chunk in scored:
            output.write(chunk)
    if form == "parquet":
        from tidegate.batch.parquet import write_parquet

        write_parquet(target, path, types=types)
        target.unlink()


class CsvOutput:
    """CSV with a header; null is an empty cell."""

    def __init__(self, text: TextIO, types: Mapping[str, str]) -> None:
        """Write the header."""
        self._writer = csv.writer(text, lineterminator="\n")
        self._writer.writerow(types)

    def write(self, scored: Scored) -> None:
        """Append rows."""
        self._writer.writerows(zip(*_columns(scored, plain=False), strict=True))


class JsonOutput:
    """JSON lines with every column in every line."""

    def __init__(self, text: TextIO, types: Mapping[str, str]) -> None:
        """Remember the names; kept values are text when the file becomes Parquet."""
        self._text, self._names = text, tuple(types)

    def write(self, scored: Scored) -> None:
        """Append rows."""
        names = self._names
        for values in zip(*_columns(scored, plain=True), strict=True):
            line = orjson.dumps(dict(zip(names, values, strict=True)))
            self._text.write(f"{line.decode()}\n")


def _columns(scored: Scored, *, plain: bool) -> list[Any]:
    """Return the values by output column; what is neither text nor number is written as JSON."""
    first, shown = scored.rows.first, _told if plain else _cell
    kept = [list(map(shown, values)) for values in scored.rows.kept.values()]
    numbers = range(first, first + len(scored.rows))
    return [numbers, *kept, *scored.answers.values(), scored.problem]


def _told(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value as JSON holds it: text for infinities and for whole numbers beyond 64 bits.

    >>> _told([float("-inf"), float("nan"), 2**64, 1.5])
    ['-inf', None, '18446744073709551616', 1.5]
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, list):
        return [_told(item) for item in value]
    if isinstance(value, dict):
        return {name: _told(item) for name, item in value.items()}
    return value


def _cell(value: object) -> str | None:
    told = _told(value)
    return told if told is None or isinstance(told, str) else orjson.dumps(told).decode()
