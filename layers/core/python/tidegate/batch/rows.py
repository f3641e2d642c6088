"""Rows of an input file in chunks of bounded memory: JSON values by column.

Every reader gives the same values that a request in JSON would hold, so one encoder judges them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.batch.values import Format
from tidegate.contract import Contract
from tidegate.errors import BatchError

CHUNK = 4096  # rows that are in memory at once
LONGEST_LINE = 1_000_000  # characters of a line of CSV or JSON
Column = list[Any]


@dataclass(frozen=True)
class Rows:
    """Some rows of an object: number of the `first`, equally long lists of values by column.

    `unread` says why a row (counted from the chunk's first) has no values; null stands in for them.
    """

    first: int
    features: dict[str, Column]
    kept: dict[str, Column]
    unread: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.features.values())))


@dataclass(frozen=True)
class Wanted:
    """The columns that are read: the contract's, and those that the output repeats."""

    contract: Contract
    keep: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them; a kept column may be a feature as well."""
        features = self.contract.column_names
        return (*features, *(name for name in self.keep if name not in features))

    def check(self, found: list[str], file: str) -> None:
        """Raise `BatchError` naming the columns that a file's header lacks or names twice."""
        missing = [name for name in self.names if name not in found]
        if missing:
            raise BatchError(f"{file}: column(s) {', '.join(missing[:10])} are missing")
        twice = sorted({name for name in self.names if found.count(name) > 1})
        if twice:
            raise BatchError(f"{file}: column {twice[0]!r} stands twice in the header")

    def rows(self, first: int, columns: dict[str, Column], unread: dict[int, str]) -> Rows:
        """Return a chunk of these columns, by name."""
        features = {name: columns[name] for name in self.contract.column_names}
        return Rows(first, features, {name: columns[name] for name in self.keep}, unread)


def read_rows(path: Path, form: Format, wanted: Wanted, *, file: str) -> Iterator[Rows]:
    """Yield the rows of a file; raise `BatchError` naming `file` when it is not of the format."""
    if form == "csv":
        from tidegate.batch.csv_rows import read_csv

        return read_csv(path, wanted, file=file)
    if form == "jsonl":
        from tidegate.batch.json_rows import read_json_lines

        return read_json_lines(path, wanted, file=file)
    from tidegate.batch.parquet import read_parquet  # 67 MB, so only when there is a use for it

    return read_parquet(path, wanted, file=file)
