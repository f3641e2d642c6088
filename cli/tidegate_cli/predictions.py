"""Predictions as they come in: a table for people, CSV or JSON lines for whatever reads next."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from tidegate.client import Batch
from tidegate.client.frames import flat

Format = Literal["table", "csv", "jsonl"]
SHOWN_ROWS = 20
QUIET_SECONDS = 2.0


def with_progress(batches: Iterable[Batch], console: Console, *, total: int) -> Iterator[Batch]:
    """Pass batches on; from two seconds on, say how many of `total` rows were answered."""
    began, status = time.monotonic(), console.status("")
    try:
        for batch in batches:
            done = batch.first + len(batch.predictions)
            if time.monotonic() - began > QUIET_SECONDS:
                status.update(f"{done:,} of {total:,} rows")
                status.start()
            yield batch
    finally:
        status.stop()


def write(batches: Iterable[Batch], *, form: Format, receipts: bool) -> None:
    """Write one line per row to standard output, as CSV or JSON lines."""
    writer: Any = None
    for batch in batches:
        for row, prediction in enumerate(batch.predictions):
            told = {**prediction, "version": batch.version}
            if receipts:
                told |= {"receipt": batch.receipt, "row": row}
            if form == "jsonl":
                sys.stdout.write(json.dumps(told, allow_nan=False) + "\n")
                continue
            cells = flat(told)
            if writer is None:
                writer = csv.DictWriter(sys.stdout, list(cells), lineterminator="\n")
                writer.writeheader()
            writer.writerow(cells)


def table(batches: list[Batch]) -> Table:
    """Return the first rows for a person."""
    versions = ", ".join(dict.fromkeys(f"{b.model}@{b.version}" for b in batches))
    found = Table(box=None, header_style="dim", title=versions, title_justify="left")
    rows = [prediction for batch in batches for prediction in batch.predictions]
    for column in ("row", *(rows[0] if rows else ())):
        found.add_column(column)
    for number, row in enumerate(rows[:SHOWN_ROWS]):
        found.add_row(str(number), *(_cell(value) for value in row.values()))
    if len(rows) > SHOWN_ROWS:
        found.caption = f"and {len(rows) - SHOWN_ROWS} more; --format csv shows all"
    return found


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return f"{value:.4f}" if isinstance(value, float) else str(value)
