"""The layer for Parquet does its work alone, and fits beside what a batch worker needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stacks.bundling import Target, cached_layer
from stacks.constructs.control_functions import SHAPES

LAMBDA_MB = 250
PARQUET = """
import duckdb, tempfile, pathlib
from tidegate.batch.parquet import write_parquet
folder = pathlib.Path(tempfile.mkdtemp())
lines, path = folder / "a.jsonl", folder / "a.parquet"
lines.write_text('{"row": 0, "label": "x"}\\n{"row": 1, "label": null}\\n')
write_parquet(lines, path, types={"row": "BIGINT", "label": "VARCHAR"})
print(duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
"""


def test_parquet_needs_no_other_layer_but_ours(run: Callable[..., str]) -> None:
    assert run(PARQUET, "core", "tabular").strip() == "[(0, 'x'), (1, None)]"


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_layers_of_a_batch_worker_fit_lambda(architecture: str) -> None:
    target = Target(architecture, "3.13")
    size = sum(
        path.stat().st_size
        for name in SHAPES["score"].layers
        for path in cached_layer(name, target=target).rglob("*")
        if path.is_file()
    )

    assert size < LAMBDA_MB * 1024 * 1024
