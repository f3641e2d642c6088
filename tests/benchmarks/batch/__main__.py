"""Rows per second of CPU and memory of one batch worker, by format and by number of rows.

Each measurement is a process of its own that scores one object as the deployed function does, but
for S3: its objects lie on the disk. Run: `python -m tests.benchmarks.batch [--rows 100000,400000]`.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import orjson
from rich.console import Console
from rich.table import Table

from tests.benchmarks.serving import models, payloads
from tests.fakes.batch_objects import MemoryObjects, piece_of
from tidegate.batch.scorer import Scorer
from tidegate.batch.values import FORMATS, Source, Stored
from tidegate.batch.working import Workshop, score_piece
from tidegate.package.archive import read_folder
from tidegate.scoring.onnx_session import OnnxSession

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / ".tidegate" / "bench" / "models"
BLOCK = 10_000  # rows that are made; the file repeats them
MEGABYTE = 1_000_000


def main() -> None:
    """Make the files, measure each in a process of its own, and show a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="100000,400000", help="numbers of rows, by comma")
    parser.add_argument("--one", nargs=2, metavar=("FORMAT", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(*given.one)))
        return
    models.folder_of("small", MODELS)  # made here, so that no measured process trains
    table = Table(
        "format", "rows", "file, MB", "CPU seconds", "rows per CPU second", "peak memory, MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        for rows in map(int, given.rows.split(",")):
            for form in FORMATS:
                path = Path(folder) / f"rows.{form}"
                write(path, form, rows)
                table.add_row(*shown(form, rows, path))
                path.unlink()
    Console().print(table)


def shown(form: str, rows: int, path: Path) -> Iterator[str]:
    """Measure in a fresh process, so that its peak of memory is its own."""
    command = [sys.executable, "-m", "tests.benchmarks.batch", "--one", form, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found = json.loads(done.stdout)
    assert found["rows"] == rows
    assert found["bad_rows"] == 0
    seconds = found["seconds"]
    yield from (form, f"{rows:,}", f"{path.stat().st_size / MEGABYTE:.0f}", f"{seconds:.1f}")
    yield from (f"{rows / seconds:,.0f}", f"{found['peak'] / MEGABYTE:.0f}")


def measure(form: str, file: str) -> dict[str, float]:
    """Score one file."""
    package = read_folder(models.folder_of("small", MODELS))
    scorer = Scorer(package.contract, OnnxSession(package.model))
    objects = FileObjects(Path(file))
    objects.put("data", f"in/rows.{form}", b"")
    piece = piece_of(objects, f"in/rows.{form}", form=form)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        part = score_piece(piece, Workshop(objects, lambda _model, _digest: scorer, Path(folder)))
        seconds = time.process_time() - began
    # ru_maxrss would count what the parent held when it started this process.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return {"seconds": seconds, "rows": part.rows, "bad_rows": part.bad_rows, "peak": peak}


class FileObjects(MemoryObjects):
    """One input on the disk, and nothing kept of the output but its digest."""

    def __init__(self, path: Path) -> None:
        """Take the input."""
        super().__init__()
        self._path = path

    def fetch(self, source: Source, to: Path) -> Stored:
        """Copy the input."""
        shutil.copyfile(self._path, to)
        return stored_of(to, source.bucket, source.key)

    def store(self, path: Path, bucket: str, key: str) -> Stored:
        """Hash the output."""
        return stored_of(path, bucket, key)


def stored_of(path: Path, bucket: str, key: str) -> Stored:
    """Return what is recorded of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Stored(bucket, key, "", digest, path.stat().st_size)


def write(path: Path, form: str, rows: int) -> None:
    """Write a file that repeats one block of rows, in all formats the same."""
    contract = models.contract_of("small")
    matrix = payloads.matrix_of(contract, BLOCK, seed=1, nulls=0.05)
    records = payloads.records(contract, matrix)
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(contract.column_names), lineterminator="\n")
        writer.writerows(records)
        header = ",".join(contract.column_names) + "\n"
        path.write_text(header + text.getvalue() * (rows // BLOCK))
        return
    block = b"".join(orjson.dumps(record) + b"\n" for record in records)
    lines = path.with_suffix(".jsonl")
    lines.write_bytes(block * (rows // BLOCK))
    if form == "parquet":
        duckdb.sql(f"COPY (SELECT * FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
        lines.unlink()


if __name__ == "__main__":
    main()
