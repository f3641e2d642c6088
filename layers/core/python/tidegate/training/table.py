"""A table of rows as plain arrays, and its form on disk, `holdout.npz`.

Numbers and booleans are float64 with NaN for null; categories are text with '' for null, as they
came (so that another version, with other categories, can encode the same rows).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.contract import Contract
from tidegate.errors import DataError

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Features by name, target (class names or float64), time (datetime64[ms], UTC) or None."""

    columns: Mapping[str, Array]
    target: Array
    time: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.target.shape[0])

    def take(self, which: Array) -> Table:
        """Return the rows that a mask or an index array selects."""
        columns = {name: values[which] for name, values in self.columns.items()}
        return Table(columns, self.target[which], None if self.time is None else self.time[which])


def join(tables: list[Table]) -> Table:
    """Return the rows of all tables, in order."""
    first = tables[0]
    columns = {name: np.concatenate([t.columns[name] for t in tables]) for name in first.columns}
    times = [t.time for t in tables if t.time is not None]
    target = np.concatenate([t.target for t in tables])
    return Table(columns, target, np.concatenate(times) if times else None)


def table_to_npz(table: Table, contract: Contract) -> bytes:
    """Return the table as a compressed `.npz` without pickles; equal tables give equal bytes."""
    arrays = {**table.columns, contract.target.column: table.target}
    if table.time is not None:
        arrays[contract.time_column] = table.time
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(values), allow_pickle=False)
            # ZipInfo has a fixed date, so equal tables give equal bytes; np.savez promises nothing.
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def table_from_npz(data: bytes, contract: Contract) -> Table:
    """Read a table back; raise `DataError` naming the column that is missing."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"holdout.npz can't be read: {error}") from None
    for name in (*contract.column_names, contract.target.column):
        if name not in arrays:
            raise DataError(f"column {name!r} is not among the holdout's")
    time = arrays.pop(contract.time_column, None) if contract.time_column else None
    target = arrays.pop(contract.target.column)
    return Table(arrays, target, time)
