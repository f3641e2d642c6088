"""Parquet, in and out, by DuckDB: it streams in bounded memory and needs no pandas.

Stored types are taken as they are, with two exceptions that tables with gaps need: NaN is null, and
an integer column may be stored as floating-point numbers when they are whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def read_parquet(path: Path, wanted: Wanted, *, file: str) -> Iterator[Rows]:
    """Yield the rows of a Parquet file; raise `BatchError` when it can't be read as one."""
    import duckdb

    try:
        with duckdb.connect(":memory:", config=_CONFIG) as database:
            head = database.execute("SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
            wanted.check([str(column[0]) for column in head.description or []], file)
            yield from _chunks(database, path, wanted)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(path), file)
        raise BatchError(f"{file}: not readable as Parquet: {reason}") from None


def write_parquet(lines: Path, path: Path, *, types: Mapping[str, str]) -> None:
    """Turn JSON lines into a Parquet file; `types` are DuckDB's names of types by column."""
    import duckdb

    columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in types.items())
    query = f"""
        COPY (SELECT * FROM read_json(?, format='newline_delimited', columns={{{columns}}}))
        TO {_text(str(path))} (FORMAT parquet, COMPRESSION zstd)
    """  # noqa: S608 - names are quoted; DuckDB takes no parameters here
    with duckdb.connect(":memory:", config=_CONFIG) as database:
        database.execute(query, [str(lines)])


def _chunks(database: DuckDBPyConnection, path: Path, wanted: Wanted) -> Iterator[Rows]:
    names = ", ".join(_quoted(name) for name in wanted.names)
    query = f"SELECT {names} FROM read_parquet(?)"  # noqa: S608 - names are quoted
    found = database.execute(query, [str(path)])
    whole = {c.name for c in wanted.contract.columns if c.type == "integer"}
    first = 0
    while chunk := found.fetchmany(CHUNK):
        columns = {
            name: _plain(list(values), whole=name in whole)
            for name, values in zip(wanted.names, zip(*chunk, strict=True), strict=True)
        }
        yield wanted.rows(first, columns, {})
        first += len(chunk)


def _plain(values: Column, *, whole: bool) -> Column:
    if float not in set(map(type, values)):
        return values
    return [_number(value, whole) if type(value) is float else value for value in values]


def _number(value: float, whole: bool) -> Any:  # noqa: ANN401, FBT001 - any JSON value
    if value != value:  # noqa: PLR0124 - NaN
        return None
    return int(value) if whole and value.is_integer() else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
