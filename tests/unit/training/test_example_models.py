"""The two example folders are valid, load what they promise, and train."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes.training_samples import job_root
from tidegate.project_file import find_problems, read_project
from tidegate.training.gates import Rival, check_gates
from tidegate.training.job import main
from tidegate.training.report import JobReport

MODELS = Path(__file__).parents[3] / "models"


def loader(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_data", MODELS / name / "data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(root: Path, name: str, *, since: date | None, until: date | None) -> JobReport:
    folder = MODELS / name
    project = read_project(folder)
    files = {f"{n}.csv.gz": f.to_csv(index=False) for n, f in loader(name).load(since, until)}
    code = {"train.py": (folder / "train.py").read_text()}
    made = job_root(root, project, code=code, data=files, params={})
    assert main(made) == 0, (made / "output" / "failure").read_text()
    report = JobReport.from_json((made / "model" / "report.json").read_bytes())
    results = check_gates(project.gates, report.metrics, Rival())
    assert [r.reason for r in results if not r.passed] == []
    return report


@pytest.mark.parametrize("name", ["flight_delay", "penguins"])
def test_the_folder_is_valid(name: str) -> None:
    assert find_problems(MODELS / name) == ()


def test_flights_come_in_half_months_named_by_their_first_day() -> None:
    files = dict(loader("flight_delay").load(date(2013, 2, 10), date(2013, 3, 3)))
    assert list(files) == ["2013-02-01", "2013-02-16", "2013-03-01"]
    first = files["2013-02-01"]["scheduled_departure"]
    # New York's days, in UTC: a late departure falls on the next one.
    assert str(first.min())[:10] == "2013-02-10"
    assert files["2013-02-01"]["late"].isin(["yes", "no"]).all()


def test_flights_train_and_pass_their_gates(tmp_path: Path) -> None:
    span = {"since": date(2013, 1, 16), "until": date(2013, 3, 1)}
    report = trained(tmp_path / "job", "flight_delay", **span)
    assert report.parity.rows_over == 0


def test_penguins_train_and_pass_their_gates_by_their_folder_alone(tmp_path: Path) -> None:
    report = trained(tmp_path / "job", "penguins", since=None, until=None)
    assert report.train_rows + report.holdout_rows == 344
