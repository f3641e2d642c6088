"""Equal inputs give equal bytes in another process, whatever its parent and the order of files."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.launching import launch
from tests.fakes.training_house import project_of
from tests.fakes.training_samples import contract_of, csv_of, job_root, table_of
from tests.unit.training.test_example_models import MODELS, loader
from tidegate.package.archive import Package, open_package
from tidegate.project import Project
from tidegate.project_file import read_project
from tidegate.training.determinism import THREADS, VARIABLES, seed_everything

# Draws from the generators that nobody handed to it, and goes by the order of a set of texts.
CARELESS = """\
import random
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer

def train(frame, params):
    rows = np.random.permutation(len(frame))[: 200 + random.randrange(50)]
    names = list({"wind", "hour", "holiday"})
    columns = ColumnTransformer([("numbers", SimpleImputer(), names[:2])])
    model = make_pipeline(columns, LogisticRegression(C=random.random(), max_iter=500))
    return model.fit(frame.iloc[rows], frame["outcome"].iloc[rows])
"""
ONE = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "TZ": "Asia/Tokyo"}
TWO = {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "4"}


def careless() -> tuple[Project, dict[str, str], dict[str, str]]:
    contract = contract_of("binary")
    tables = ((f"{n}.csv.gz", table_of("binary", rows=400, seed=n)) for n in range(3))
    data = {name: csv_of(table, contract) for name, table in tables}
    return project_of(contract), {"train.py": CARELESS, "requirements.txt": ""}, data


def example(name: str) -> tuple[Project, dict[str, str], dict[str, str]]:
    span = (None, None) if name == "penguins" else (date(2013, 1, 16), date(2013, 2, 16))
    data = {f"{n}.csv.gz": f.to_csv(index=False) for n, f in loader(name).load(*span)}
    code = {file: (MODELS / name / file).read_text() for file in ("train.py", "requirements.txt")}
    return read_project(MODELS / name), code, data


def trained(root: Path, project: Project, code: dict[str, str], data: dict[str, str]) -> None:
    """Lay out and run the job twice: other variables around it, the files the other way round."""
    for folder, files, variables in (
        (root / "one", data, ONE),
        (root / "two", dict(reversed(data.items())), TWO),
    ):
        done = launch(job_root(folder, project, code=code, data=files), **variables)
        assert done.returncode == 0, done.stderr


def packages(root: Path) -> Iterator[Package]:
    for name in ("one", "two"):
        data = (root / name / "model" / "package.zip").read_bytes()
        yield open_package(data, digest=hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("name", ["careless", "penguins", "flight_delay"])
def test_two_processes_make_the_same_package(tmp_path: Path, name: str) -> None:
    trained(tmp_path, *(careless() if name == "careless" else example(name)))
    one, two = packages(tmp_path)
    assert one.manifest.files == two.manifest.files
    assert one.digest == two.digest
    assert f"OMP_NUM_THREADS=={THREADS}" in one.environment
    assert "PYTHONHASHSEED==0" in one.environment


def test_the_seed_reaches_the_generators_that_nobody_hands_over() -> None:
    def drawn(seed: int) -> tuple[float, float]:
        seed_everything(seed)
        return random.random(), float(np.random.random())

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert drawn(2**32 + 7)[1] == drawn(7)[1]  # numpy takes 32 bits
    seed_everything(-1)


def test_every_variable_is_text_that_sagemaker_takes() -> None:
    assert all(isinstance(value, str) and len(value) <= 512 for value in VARIABLES.values())
    assert len(VARIABLES) <= 100
