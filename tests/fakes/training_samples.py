"""A small contract with every column type, and rows that follow it."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tidegate.contract import Column, Contract, Target, Task
from tidegate.encoding.encoder import Encoder
from tidegate.package.inputs import digest_of_files
from tidegate.project import Param, Project
from tidegate.registry.values import DataObject
from tidegate.scoring.session import Matrix
from tidegate.training.frames import feature_frame, training_frame
from tidegate.training.request import TrainingRequest
from tidegate.training.table import Table

COLUMNS = (
    Column("wind", "float", nullable=True),
    Column("hour", "integer", minimum=0, maximum=23),
    Column("holiday", "boolean"),
    Column("carrier", "category", categories=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), nullable=True),
    Column("origin", "category", categories=("EWR", "JFK", "LGA"), unknown="map"),
)
CLASSES: dict[Task, tuple[str, ...]] = {
    "binary": ("no", "yes"),
    "multiclass": ("zero", "one", "two"),
    "regression": (),
}


def contract_of(task: Task, *, time: bool = False) -> Contract:
    target = Target("outcome", CLASSES[task])
    return Contract("sample", task, COLUMNS, target, time_column="at" if time else "")


def table_of(task: Task, *, rows: int = 1200, seed: int = 0, time: bool = False) -> Table:
    rng = np.random.default_rng(seed)
    wind = rng.gamma(2, 4, rows)
    wind[rng.random(rows) < 0.1] = np.nan
    hour = rng.integers(0, 24, rows).astype(np.float64)
    holiday = (rng.random(rows) < 0.2).astype(np.float64)
    carrier = rng.choice([*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", ""], rows)
    origin = rng.choice(["EWR", "JFK", "LGA", "SWF"], rows)
    heavy = np.isin(carrier, list("CFXZ"))
    z = (hour - 12) / 6 + np.nan_to_num(wind) / 8 + holiday + 1.5 * heavy + (origin == "SWF")
    z = z + rng.normal(0, 0.7, rows)
    if task == "regression":
        target = 100 + 20 * z
    else:
        cuts = [1.5] if task == "binary" else [0.5, 2.0]
        target = np.array(CLASSES[task])[np.digitize(z, cuts)]
    columns = {"wind": wind, "hour": hour, "holiday": holiday, "carrier": carrier, "origin": origin}
    start = np.datetime64("2013-01-01T00:00", "ms")
    at = start + (np.arange(rows) * 30).astype("timedelta64[m]") if time else None
    return Table(columns, target, at)


@dataclass(frozen=True)
class Prepared:
    """A table as training sees it."""

    contract: Contract
    table: Table
    matrix: Matrix
    frame: pd.DataFrame  # with target
    features: pd.DataFrame


def prepare(task: Task, *, rows: int = 1200, seed: int = 0, time: bool = False) -> Prepared:
    contract, table = contract_of(task, time=time), table_of(task, rows=rows, seed=seed, time=time)
    matrix = Encoder(contract).arrays(table.columns)
    frame = training_frame(matrix, contract, target=table.target, time=table.time)
    return Prepared(contract, table, matrix, frame, feature_frame(matrix, contract))


def csv_of(table: Table, contract: Contract) -> str:
    """Return a table as a data file would hold it."""
    frame = pd.DataFrame(dict(table.columns))
    frame["holiday"] = frame["holiday"].map({0.0: "false", 1.0: "True"})
    frame[contract.target.column] = table.target
    if table.time is not None:
        frame[contract.time_column] = pd.to_datetime(table.time).strftime("%Y-%m-%dT%H:%M:%SZ")
    return frame.to_csv(index=False)


def job_root(
    root: Path,
    project: Project,
    *,
    code: Mapping[str, str],
    data: Mapping[str, str],
    params: Mapping[str, Param] | None = None,
) -> Path:
    """Lay out a training job's input channels as SageMaker does."""
    channels = root / "input" / "data"
    for name in ("code", "data", "request"):
        (channels / name).mkdir(parents=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, text in code.items():
            zipped.writestr(name, text)
    (channels / "code" / "code.zip").write_bytes(archive.getvalue())
    (channels / "code" / "project.json").write_bytes(project.to_json())
    objects = []
    for name, text in data.items():
        key, packed = f"data/{project.name}/{name}", gzip.compress(text.encode(), mtime=0)
        path = channels / "data" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed)
        objects.append(DataObject(key, "v1", hashlib.sha256(packed).hexdigest(), len(packed)))
    request = TrainingRequest(
        model=project.name,
        run="run-1",
        params=dict(params or {}),
        seed=7,
        data=tuple(objects),
        data_digest=digest_of_files(objects),
        code_digest="c" * 64,
        identity="i" * 64,
    )
    (channels / "request" / "request.json").write_bytes(request.to_json())
    return root
