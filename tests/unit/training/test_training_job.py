"""The whole job, in a folder laid out as SageMaker does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.fakes.training_house import project_of
from tests.fakes.training_samples import contract_of, csv_of, job_root, table_of
from tidegate.contract import Task
from tidegate.encoding.encoder import Encoder
from tidegate.package.archive import Package, open_package
from tidegate.package.golden import check_golden
from tidegate.package.whole import joined
from tidegate.project import Holdout
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.training.job import Folders, main, run_job
from tidegate.training.report import JobReport
from tidegate.training.table import table_from_npz

TRAIN = """\
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

def train(frame, params):
    y = frame.pop("outcome")
    frame = frame.drop(columns=[c for c in frame if c == "at"])
    columns = ColumnTransformer([
        ("n", SimpleImputer(), ["wind", "hour", "holiday"]),
        ("c", OneHotEncoder(handle_unknown="ignore"), ["carrier", "origin"]),
    ])
    last = Ridge() if y.dtype == float else LogisticRegression(max_iter=2000, C=params["rate"])
    print("fitting", len(frame), params["seed"])
    return make_pipeline(columns, last).fit(frame, y)
"""


def run(root: Path, *, task: Task = "binary", train: str = TRAIN, time: bool = False) -> int:
    contract = contract_of(task, time=time)
    project = project_of(contract)
    if time:
        project = project.__class__(**{**vars(project), "holdout": Holdout("latest", days=5)})
    data = {"2013.csv.gz": csv_of(table_of(task, rows=600, time=time), contract)}
    return main(job_root(root, project, code={"train.py": train}, data=data))


def failure(root: Path) -> str:
    return (root / "output" / "failure").read_text(encoding="utf-8")


def package_of(root: Path) -> Package:
    data = (root / "model" / "package.zip").read_bytes()
    return open_package(data, digest=hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_training_leaves_a_package_whose_golden_requests_hold(tmp_path: Path, task: Task) -> None:
    assert run(tmp_path / "job", task=task) == 0, failure(tmp_path / "job")
    package = package_of(tmp_path / "job")
    check_golden(package, OnnxSession(package.model), Encoder(package.contract))
    nulls = [record for record in package.golden.records if record["wind"] is None]
    unknown = [record for record in package.golden.records if record["origin"] == "SWF"]
    assert len(package.golden.records) == 16
    assert nulls
    assert unknown
    assert "# sample" in package.card
    holdout = table_from_npz((tmp_path / "job/model/holdout.npz").read_bytes(), package.contract)
    report = JobReport.from_json((tmp_path / "job/model/report.json").read_bytes())
    assert holdout.rows == report.holdout_rows
    assert report.train_rows + report.holdout_rows == 600
    assert report.parity.label_flips == 0
    assert "scikit-learn" in "\n".join(package.environment)
    assert [(file.key, file.rows) for file in package.data] == [("data/sample/2013.csv.gz", 600)]
    assert "fitting" in report.output


def test_a_model_that_is_too_large_for_its_package_lies_beside_it(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    inline = package_of(tmp_path)

    run_job(Folders(tmp_path), max_bytes=len(inline.model))  # all else makes it larger

    apart, model = package_of(tmp_path), (tmp_path / "model/model.onnx").read_bytes()
    assert joined(apart, model).model == inline.model
    assert apart.manifest == inline.manifest


def test_equal_inputs_give_an_equal_package(tmp_path: Path) -> None:
    assert run(tmp_path / "one") == 0
    assert run(tmp_path / "two") == 0
    assert package_of(tmp_path / "one").digest == package_of(tmp_path / "two").digest


def test_the_latest_rows_are_held_out_and_days_become_blocks(tmp_path: Path) -> None:
    assert run(tmp_path / "job", time=True) == 0, failure(tmp_path / "job")
    package = package_of(tmp_path / "job")
    holdout = table_from_npz((tmp_path / "job/model/holdout.npz").read_bytes(), package.contract)
    assert holdout.time is not None
    assert (holdout.time.max() - holdout.time.min()).astype("timedelta64[h]").astype(int) < 120
    wind = package.reference.columns["wind"]
    assert len(wind.blocks) == len(wind.missing_blocks) >= 7
    assert package.reference.block_rows == 48


def test_user_code_never_sees_the_holdout(tmp_path: Path) -> None:
    spying = TRAIN.replace('print("fitting"', 'print("ROWS", sorted(frame["hour"].index)[-1]')
    assert run(tmp_path / "job", train=spying) == 0
    report = json.loads((tmp_path / "job/model/report.json").read_bytes())
    assert f"ROWS {report['train_rows'] - 1}" in report["output"]


@pytest.mark.parametrize(
    ("train", "words"),
    [
        pytest.param(
            "def train(frame, params):\n    return 1 / 0\n",
            ["train.py:train failed: ZeroDivisionError", 'File "train.py", line 2'],
            id="raises",
        ),
        pytest.param(
            "def train(frame, params):\n    pass\n", ["returned nothing"], id="returns nothing"
        ),
        pytest.param("import nowhere\n", ["can't be imported", "nowhere"], id="can't be imported"),
        pytest.param("x = 1\n", ["has no function 'train'"], id="has no function"),
        pytest.param(
            "import sys\ndef train(frame, params):\n    sys.exit(0)\n", ["SystemExit"], id="exits"
        ),
        pytest.param(
            "def train(frame, params):\n    open('../../escaped', 'w')\n",
            ["PermissionError", "its own folder only"],
            id="writes elsewhere",
        ),
        pytest.param(
            "import os\ndef train(frame, params):\n    os.remove('../input/data/code/code.zip')\n",
            ["PermissionError", "its own folder only"],
            id="removes elsewhere",
        ),
    ],
)
def test_faults_of_user_code_fail_the_run_with_the_users_own_traceback(
    tmp_path: Path, train: str, words: list[str]
) -> None:
    root = tmp_path / "job"
    assert run(root, train=train) == 1
    text = failure(root)
    assert len(text) <= 1000
    for word in ["UserCodeError", *words]:
        assert word in text
    assert str(tmp_path) not in text.split("Traceback")[-1]
    assert not (tmp_path / "escaped").exists()
    assert not (root / "model").exists()


def test_a_long_traceback_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    deep = "def f(n):\n    return f(n - 1) if n else 1 / 0\ndef train(frame, params):\n    f(300)\n"
    assert run(tmp_path / "job", train=deep) == 1
    text = failure(tmp_path / "job")
    assert len(text) <= 1000
    assert "ZeroDivisionError: division by zero" in text.splitlines()[0]


def test_megabytes_of_output_are_cut(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noisy = TRAIN.replace('print("fitting"', 'print("x" * 5_000_000); print("fitting"')
    assert run(tmp_path / "job", train=noisy) == 0
    assert len(capfd.readouterr().out) < 250_000
    report = JobReport.from_json((tmp_path / "job/model/report.json").read_bytes())
    assert len(report.output) < 5_000
    assert "characters more were not passed on" in report.output


def test_user_code_may_write_in_its_own_folder_and_to_temporary_files(tmp_path: Path) -> None:
    tidy = TRAIN.replace(
        'print("fitting"',
        'import tempfile, pathlib as p; p.Path("a").touch(); tempfile.mkdtemp(); print("fitting"',
    )
    assert run(tmp_path / "job", train=tidy) == 0, failure(tmp_path / "job")


def test_a_file_that_changed_after_the_snapshot_is_refused(tmp_path: Path) -> None:
    contract = contract_of("binary")
    data = {"2013.csv.gz": csv_of(table_of("binary"), contract)}
    root = job_root(tmp_path, project_of(contract), code={"train.py": TRAIN}, data=data)
    next((root / "input/data/data").rglob("*.gz")).write_bytes(b"other")
    assert main(root) == 1
    assert "changed after the snapshot was taken" in failure(root)
