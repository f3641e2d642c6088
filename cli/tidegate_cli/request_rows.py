"""What a command sends, from a file or standard input: rows to predict, and outcomes.

JSON, JSON lines or CSV, by the file's name; of standard input by its content. What is wrong is
said with the line it stands on.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tidegate.client.outcomes import Outcome
from tidegate.client.rows import Columns, Records, count_rows
from tidegate.contract import Contract
from tidegate.decoding import unique
from tidegate.errors import Problem
from tidegate_cli.faults import InputError
from tidegate_cli.rows import cells_of, number_of, read_csv, text_of

STDIN = "-"
FIELDS = ("receipt", "row", "label")
Kind = Literal["json", "jsonl", "csv"]
SUFFIXES: dict[str, Kind] = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
ContractOf = Callable[[], Contract]  # only CSV needs one: its cells have no types


@dataclass(frozen=True)
class Given:
    """Rows as they were given; `lines` says where each stands (empty: not in lines)."""

    name: str
    rows: Records | Columns
    lines: Sequence[int] = ()

    def where(self, problem: Problem) -> str:
        """Say in the file's own terms where a problem is."""
        return _where(self.name, self.lines, problem)


@dataclass(frozen=True)
class GivenOutcomes:
    """Outcomes as they were given, and where each stands."""

    name: str
    outcomes: list[Outcome]
    lines: Sequence[int] = ()

    def where(self, problem: Problem) -> str:
        """Say in the file's own terms where a problem is."""
        return _where(self.name, self.lines, problem)


def read_rows(file: Path, contract_of: ContractOf) -> Given:
    """Return the rows of a file ("-": standard input); raise `InputError` naming the line."""
    name, data, kind = _load(file)
    if kind == "csv":
        found = read_csv(contract_of(), data, name=name)
        return Given(name, [row.record for row in found], [row.line for row in found])
    if kind == "jsonl":
        lines = list(_json_lines(data, name))
        return Given(name, [row for _, row in lines], [line for line, _ in lines])
    return Given(name, _rows_of(_json(text_of(data, name=name), name), name))


def read_outcomes(file: Path, contract_of: ContractOf) -> GivenOutcomes:
    """Return the outcomes of a file ("-": standard input); raise `InputError` naming the line.

    A row whose label is empty (JSON: null) is not known yet, and left out.
    """
    name, data, kind = _load(file)
    if kind == "json":
        content = _json(text_of(data, name=name), name)
        items = content.get("feedback") if isinstance(content, dict) else content
        if not isinstance(items, list):
            raise InputError(
                f'{name}: expected a list of {", ".join(FIELDS)}, or {{"feedback": []}}'
            )
        entries: list[tuple[int, Any]] = list(enumerate(items))
        return GivenOutcomes(name, _outcomes(name, "entry", entries)[0])
    entries = list(
        _csv_entries(data, name, contract_of()) if kind == "csv" else _json_lines(data, name)
    )
    outcomes, lines = _outcomes(name, "line", entries)
    return GivenOutcomes(name, outcomes, lines)


def _where(name: str, lines: Sequence[int], problem: Problem) -> str:
    known = 0 <= problem.row < len(lines)
    row = f"line {lines[problem.row]}" if known else f"row {problem.row}"
    return f"{name}: {row}, column {problem.column}: {problem.rule}"


def _load(file: Path) -> tuple[str, bytes, Kind]:
    if str(file) == STDIN:
        name, data = "standard input", sys.stdin.buffer.read()
        return name, data, _kind_of(data, name)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    suffix = Path(file.name.removesuffix(".gz")).suffix
    return str(file), data, SUFFIXES.get(suffix) or _kind_of(data, str(file))


def _kind_of(data: bytes, name: str) -> Kind:
    """Tell by the first character, and in JSON by whether a second value follows."""
    try:
        text = text_of(data, name=name).lstrip()
    except InputError as error:
        raise InputError(str(error), hint="CSV, JSON and JSON lines are read") from error
    if not text.startswith(("{", "[")):
        return "csv"
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return "jsonl" if "Extra data" in str(error) else "json"
    return "json"


def _json(text: str, where: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(
            text, parse_constant=_finite, parse_float=_finite, object_pairs_hook=unique
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON: {error}") from error


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:50]} is no finite number; null is written as null")
    return number


def _json_lines(data: bytes, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(io.StringIO(text_of(data, name=name)), start=1):
        if line.strip():
            row = _json(line, f"{name}: line {number}")
            if not isinstance(row, dict):
                raise InputError(f"{name}: line {number}: expected an object")
            yield number, row


def _rows_of(content: Any, name: str) -> Records | Columns:  # noqa: ANN401 - any JSON value
    match content:
        case {"records": list(rows), **rest} if not rest:
            return rows
        case list(rows):
            return rows
        case {"columns": dict(columns), **rest} if not rest:
            if not all(isinstance(values, list) for values in columns.values()):
                raise InputError(f"{name}: columns: expected a list for each")
            try:
                count_rows(columns)
            except ValueError as error:
                raise InputError(f"{name}: {error}") from error
            return columns
        case {"records": _} | {"columns": _}:
            raise InputError(f'{name}: expected {{"records": [...]}} or {{"columns": {{...}}}}')
        case dict(row):
            return [row]
    raise InputError(f"{name}: expected rows, not {type(content).__name__}")


def _csv_entries(
    data: bytes, name: str, contract: Contract
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, cells in cells_of(data, FIELDS, name=name):
        where = f"{name}: line {line}"
        row = _row(cells["row"], f"{where}: column row")
        label: str | float | None = cells["label"] or None
        if label is not None and contract.task == "regression":
            label = number_of(cells["label"], f"{where}: column label")
        yield line, {"receipt": cells["receipt"], "row": row, "label": label}


def _row(text: str, where: str) -> int:
    try:
        row = int(text)
    except ValueError:
        row = -1
    if row < 0 or "_" in text:
        raise InputError(f"{where}: {text[:50]!r} is no whole number from 0")
    return row


def _outcomes(
    name: str, unit: str, entries: list[tuple[int, Any]]
) -> tuple[list[Outcome], list[int]]:
    outcomes: list[Outcome] = []
    lines: list[int] = []
    for line, entry in entries:
        try:
            found = list(_told(entry))
        except (TypeError, KeyError, ValueError):
            rule = "expected receipt, row and label (or rows and labels)"
            raise InputError(f"{name}: {unit} {line}: {rule}") from None
        outcomes += found
        lines += [line] * len(found)
    return outcomes, lines


def _told(entry: dict[str, Any]) -> Iterator[Outcome]:
    """Yield what one entry tells; raise `TypeError`, `KeyError` or `ValueError` on a wrong one."""
    labels = entry["labels"] if "labels" in entry else [entry["label"]]
    rows = entry.get("rows", range(len(labels))) if "labels" in entry else [entry["row"]]
    for row, label in zip(rows, labels, strict=True):
        if type(row) is not int or not isinstance(entry["receipt"], str):
            raise TypeError(entry)
        if label is not None:
            yield Outcome(entry["receipt"], row, label)
