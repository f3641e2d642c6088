"""Parquet, in and out, by DuckDB: it streams in bounded memory and needs no pandas.

Stored types are taken as they are, with two exceptions that tables with gaps need: NaN is null, and
an integer column may be stored as floating-point numbers when they are whole. What is kept becomes
text where JSON has no such value: dates and times by ISO 8601 (in UTC), BLOB by base64.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate.batch.rows import CHUNK, Column, Rows, Wanted
from tidegate.errors import BatchError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Nothing is downloaded, one thread keeps the order of rows, and a sort spills to no one's disk.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

# Types, as DuckDB names them.
_ZONED = "timestamp with time zone"
_NESTED = {"list", "array", "struct", "map", "union"}
_PLAIN = {
    *("boolean", "varchar", "enum", "float", "double"),
    *("tinyint", "smallint", "integer", "bigint", "hugeint"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
}


def read_parquet(path: Path, wanted: Wanted, *, file: str) -> Iterator[Rows]:
    """Yield the rows of a Parquet file; raise `BatchError` when it can't be read as one."""
    import duckdb

    try:
        with duckdb.connect(":memory:", config=_CONFIG) as database:
            database.execute("SET TimeZone = 'UTC'")
            head = database.execute("SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
            found = [(str(column[0]), str(column[1].id)) for column in head.description or []]
            wanted.check([name for name, _ in found], file)
            yield from _chunks(database, path, wanted, dict(found))
    except duckdb.Error as error:
        reason = _reason(str(error)).replace(str(path), file)
        raise BatchError(f"{file}: not readable as Parquet: {reason}") from None


def write_parquet(lines: Path, path: Path, *, types: Mapping[str, str]) -> None:
    """Turn JSON lines into a Parquet file; `types` are DuckDB's names of types by column.

    Raises `BatchError` with DuckDB's reason.
    """
    import duckdb

    columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in types.items())
    query = f"""
        COPY (SELECT * FROM read_json(?, format='newline_delimited', columns={{{columns}}}))
        TO {_text(str(path))} (FORMAT parquet, COMPRESSION zstd)
    """  # noqa: S608 - names are quoted; DuckDB takes no parameters here
    try:
        with duckdb.connect(":memory:", config=_CONFIG) as database:
            database.execute(query, [str(lines)])
    except duckdb.Error as error:
        raise BatchError(f"the output is not writable as Parquet: {_reason(str(error))}") from error


def _chunks(
    database: DuckDBPyConnection, path: Path, wanted: Wanted, kinds: Mapping[str, str]
) -> Iterator[Rows]:
    features, keep = wanted.contract.column_names, wanted.keep
    read = [_feature(name, kinds[name]) for name in features]
    read += [_kept(name, kinds[name]) for name in keep]
    query = f"SELECT {', '.join(read)} FROM read_parquet(?)"  # noqa: S608 - names are quoted
    found = database.execute(query, [str(path)])
    whole = {c.name for c in wanted.contract.columns if c.type == "integer"}
    nested = [name for name in keep if kinds[name] in _NESTED]
    first = 0
    while chunk := found.fetchmany(CHUNK):
        columns = [
            _plain(list(values), whole=name in whole)
            for name, values in zip((*features, *keep), zip(*chunk, strict=True), strict=True)
        ]
        kept = dict(zip(keep, columns[len(features) :], strict=True))
        for name in nested:
            kept[name] = list(map(_json, kept[name]))
        yield Rows(first, dict(zip(features, columns, strict=False)), kept)
        first += len(chunk)


def _feature(name: str, kind: str) -> str:
    """Return the expression of a column that the encoder judges."""
    if kind != _ZONED and kind not in _NESTED:
        return _quoted(name)
    # DuckDB needs pytz to hand some of these over, which no layer has. No column takes them: a list
    # stands in, which is neither text nor number either.
    return f"CASE WHEN {_quoted(name)} IS NOT NULL THEN [true] END"


def _kept(name: str, kind: str) -> str:
    """Return the expression of a column that the output repeats: a value that JSON has, or text."""
    column = _quoted(name)
    if kind in _PLAIN:
        return column
    if kind in _NESTED:
        return f"to_json({column})"
    if kind == "blob":
        return f"base64({column})"
    text = f"CAST({column} AS VARCHAR)"
    if kind.startswith("timestamp"):  # 2026-01-01 00:00:00+00
        return f"replace(replace({text}, ' ', 'T'), '+00', '+00:00')"
    return text


def _json(text: str | None) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a nested column's JSON, in which DuckDB writes NaN and Infinity."""
    return None if text is None else json.loads(text, parse_float=_exact)


def _exact(text: str) -> float | str:
    """Return a number, or the text of a DECIMAL that has more digits than a float.

    >>> _exact("1.50"), _exact("12345678901234567890.12")
    (1.5, '12345678901234567890.12')
    """
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


def _plain(values: Column, *, whole: bool) -> Column:
    if float not in set(map(type, values)):
        return values
    return [_number(value, whole) if type(value) is float else value for value in values]


def _number(value: float, whole: bool) -> Any:  # noqa: ANN401, FBT001 - any JSON value
    if value != value:  # noqa: PLR0124 - NaN
        return None
    return int(value) if whole and value.is_integer() else value


def _reason(error: str) -> str:
    r"""Return an error's first line, and the next one when the first only announces it.

    >>> _reason("Module failed to import:\nno such module"), _reason("Binder Error: x\n\nLINE 1")
    ('Module failed to import: no such module', 'Binder Error: x')
    """
    lines = error.splitlines()
    return " ".join(lines[:2] if lines[0].endswith(":") else lines[:1])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
