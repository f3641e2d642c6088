"""From a job's output to a version: intake, evaluation, registration, failures on the way."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.packages import model_apart
from tests.fakes.training_house import NOW, TrainingHouse, project_of
from tests.fakes.training_samples import contract_of, csv_of, job_root, table_of
from tests.unit.training.test_training_job import TRAIN
from tidegate.errors import (
    CorruptRecordError,
    DigestMismatchError,
    IntakeError,
    NotFoundError,
    PackageError,
)
from tidegate.package import keys
from tidegate.package.archive import open_package
from tidegate.project import Gate, Project, Serving
from tidegate.registry.values import DataObject, Run
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.training.evaluation import Contest, Evaluation, evaluate, evaluate_run, score_shift
from tidegate.training.intake import Stored, take_in
from tidegate.training.job import main
from tidegate.training.registration import (
    Finished,
    Registered,
    failure_reason,
    record_failure,
    register_run,
)
from tidegate.training.request import TrainingRequest

JOB = "tidegate-dev-run-1-00"
Output = dict[str, bytes]


@pytest.fixture(scope="module")
def project() -> Project:
    return project_of(contract_of("binary"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Path:
    data = {"2013.csv.gz": csv_of(table_of("binary", rows=600), project.contract)}
    root = tmp_path_factory.mktemp("job") / "root"
    assert main(job_root(root, project, code={"train.py": TRAIN}, data=data)) == 0
    return root


@pytest.fixture
def output(trained: Path) -> Output:
    return {path.name: path.read_bytes() for path in (trained / "model").iterdir()}


@pytest.fixture
def fake(project: Project, trained: Path, output: Output) -> TrainingHouse:
    made = TrainingHouse(project)
    started(made, "run-1", trained)
    made.leave_output("run-1", job=JOB, files=output)
    return made


def started(fake: TrainingHouse, run: str, trained: Path) -> None:
    raw = (trained / "input/data/request/request.json").read_bytes()
    request = replace(TrainingRequest.from_json(raw), run=run)
    fake.artifacts.put(keys.run_request("sample", run), request.to_json(), overwrite=True)
    fake.registry.start_run(Run("sample", run, "running", NOW, "jane", "why"), at=NOW)


class MeasuredSession(OnnxSession):
    peak_mb = 90


def inspected(fake: TrainingHouse, run: str = "run-1") -> Stored:
    return take_in("sample", run=run, job=JOB, house=fake.house, open_session=MeasuredSession)


def registered(fake: TrainingHouse, *, wanted: bool = True, run: str = "run-1") -> Registered:
    stored = inspected(fake, run)
    evaluate_run(
        "sample", run=run, package=stored.package, house=fake.house, open_session=OnnxSession
    )
    done = Finished("sample", run, stored.package, stored.size, stored.memory_mb, JOB)
    return register_run(done, fake.house, fake.signer, at=NOW, actor="jane", wanted=wanted)


def test_a_good_output_is_stored_under_its_own_digest(fake: TrainingHouse, output: Output) -> None:
    stored = inspected(fake)
    assert stored.package == hashlib.sha256(output["package.zip"]).hexdigest()
    assert fake.artifacts.get(keys.package_file("sample", stored.package)) == output["package.zip"]
    assert fake.artifacts.get(stored.holdout) == output["holdout.npz"]
    assert inspected(fake) == stored  # a retried step


def test_a_package_with_one_flipped_byte_is_refused(fake: TrainingHouse, output: Output) -> None:
    data = bytearray(output["package.zip"])
    data[2000] ^= 1
    fake.leave_output("run-1", job=JOB, files={**output, "package.zip": bytes(data)})
    with pytest.raises((PackageError, DigestMismatchError)):
        inspected(fake)
    assert not fake.artifacts.list("packages/")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data_digest", "f" * 64),
        ("code_digest", "f" * 64),
        ("seed", 8),
        ("image", "python:2.7"),
        ("git_commit", "f00d"),
        ("git_dirty", True),
    ],
)
def test_a_package_made_from_something_else_than_the_run_was_given_is_refused(
    fake: TrainingHouse, field: str, value: object
) -> None:
    given_instead(fake, **{field: value})
    with pytest.raises(IntakeError, match=f"the package's {field} is"):
        inspected(fake)


def given_instead(fake: TrainingHouse, **changes: Any) -> None:
    key = keys.run_request("sample", "run-1")
    request = TrainingRequest.from_json(fake.artifacts.get(key))
    fake.artifacts.put(key, replace(request, **changes).to_json(), overwrite=True)


def test_the_first_version_is_approved_and_carries_its_whole_lineage(fake: TrainingHouse) -> None:
    found = registered(fake)
    version = found.version
    assert (version.number, version.status, found.choice.release) == (1, "approved", True)
    assert version.lineage.training_job == JOB
    assert version.lineage.params == {"trees": 10, "rate": 0.1, "seed": 7}
    file = fake.registry.inputs("sample", 1)[0]
    assert (file.version_id, file.rows) == ("v1", 600)
    assert version.gates[1].reason == "no champion"
    assert version.holdout_shift is None
    assert fake.registry.run("sample", "run-1").version == 1
    assert registered(fake) == found  # a retried step: one version, one release id


def test_a_data_file_that_the_package_does_not_list_stops_the_registration(
    fake: TrainingHouse,
) -> None:
    stored = inspected(fake)
    evaluate_run(
        "sample", run="run-1", package=stored.package, house=fake.house, open_session=OnnxSession
    )
    given_instead(fake, data=(DataObject("data/sample/2014.csv.gz", "v1", "a" * 64, 1),))
    done = Finished("sample", "run-1", stored.package, stored.size, stored.memory_mb, JOB)
    with pytest.raises(CorruptRecordError, match=r"data/sample/2013\.csv\.gz"):
        register_run(done, fake.house, fake.signer, at=NOW, actor="jane", wanted=True)
    assert fake.registry.versions("sample") == ()


def test_nothing_is_released_unless_wanted(fake: TrainingHouse) -> None:
    assert registered(fake, wanted=False).choice.release is False


def test_a_version_that_fails_a_gate_stays_a_candidate(fake: TrainingHouse) -> None:
    fake.with_project(gates=(Gate("auc", minimum=0.999),))
    found = registered(fake)
    assert (found.version.status, found.choice.release) == ("candidate", False)
    assert "at least 0.999 wanted" in found.version.gates[0].reason


def test_gates_of_another_package_are_refused(fake: TrainingHouse) -> None:
    stored = inspected(fake)
    _, found = evaluate_run(
        "sample", run="run-1", package=stored.package, house=fake.house, open_session=OnnxSession
    )
    other = replace(found, package="0" * 64).to_json()
    fake.artifacts.put(keys.gate_report("sample", "run-1"), other, overwrite=True)
    done = Finished("sample", "run-1", stored.package, stored.size, stored.memory_mb, JOB)
    with pytest.raises(CorruptRecordError, match="another package or run"):
        register_run(done, fake.house, fake.signer, at=NOW, actor="jane", wanted=True)


def apart(output: Output) -> Output:
    """Return the output of a job whose model is too large for its package."""
    package, model = model_apart(output["package.zip"])
    return {**output, "package.zip": package, "model.onnx": model}


def test_a_model_that_lies_apart_is_stored_below_its_package(
    fake: TrainingHouse, output: Output
) -> None:
    left = apart(output)
    fake.leave_output("run-1", job=JOB, files=left)

    found = registered(fake)

    digest = found.version.package_digest
    assert digest == hashlib.sha256(left["package.zip"]).hexdigest()
    model = hashlib.sha256(left["model.onnx"]).hexdigest()
    assert fake.artifacts.get(f"packages/sample/{digest}/{model}.onnx") == left["model.onnx"]
    assert fake.artifacts.get(keys.package_file("sample", digest)) == left["package.zip"]
    assert found.version.metrics  # it was evaluated on the holdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda left, _: left.pop("model.onnx"), "lacks model.onnx, which its package names"),
        (
            lambda left, _: left.update({"model.onnx": left["model.onnx"][:-1] + b"!"}),
            "model.onnx: its SHA-256 is",
        ),
        (
            lambda left, inline: left.update({"package.zip": inline["package.zip"]}),
            "the package holds its model.onnx; none is expected beside it",
        ),
    ],
    ids=["missing", "altered", "beside a package that holds its own"],
)
def test_a_model_beside_its_package_must_be_the_one_that_it_names(
    fake: TrainingHouse, output: Output, change: Any, words: str
) -> None:
    left = apart(output)
    change(left, output)
    fake.leave_output("run-1", job=JOB, files=left)
    with pytest.raises(PackageError, match=words):
        inspected(fake)
    assert not fake.artifacts.list("packages/")


def test_a_model_that_needs_more_memory_than_its_endpoint_has_is_not_registered(
    fake: TrainingHouse,
) -> None:
    fake.with_project(serving=Serving(memory_mb=153))
    with pytest.raises(IntakeError, match=r"needs 154 MB of memory.*serving\.memory_mb is 153"):
        registered(fake)
    assert fake.registry.versions("sample") == ()

    fake.with_project(serving=Serving(memory_mb=154))
    assert registered(fake).version.number == 1


def contest(output: Output, project: Project, **of_champion: object) -> Contest:
    data = output["package.zip"]
    package = open_package(data, digest=hashlib.sha256(data).hexdigest())
    champion = replace(package, contract=replace(package.contract, **of_champion))  # type: ignore[arg-type]
    return Contest(package, champion, 4, project.gates)


def judged(found: Contest, output: Output) -> Evaluation:
    return evaluate(found, run="r", holdout=output["holdout.npz"], open_session=OnnxSession)


def test_an_equal_champion_scores_the_same_without_any_shift(
    output: Output, project: Project
) -> None:
    found = judged(contest(output, project), output)
    assert found.passed
    assert found.holdout_shift == 0.0
    assert found.champion_metrics == found.metrics
    assert Evaluation.from_json(found.to_json()) == found


def test_a_champion_of_other_columns_cant_be_compared_and_fails_regression(
    output: Output, project: Project
) -> None:
    columns = tuple(replace(c, name=f"old_{c.name}") for c in project.contract.columns)
    found = judged(contest(output, project, columns=columns), output)
    assert not found.passed
    assert "old_wind" in found.problem
    assert found.holdout_shift is None


def test_answers_that_are_not_finite_fail_every_gate(output: Output, project: Project) -> None:
    class Broken:
        def __init__(self, model: bytes) -> None:
            self.model = model

        def run(self, features: np.ndarray) -> np.ndarray:
            return np.full((len(features), 2), np.nan, dtype=np.float32)

    alone = replace(contest(output, project), champion=None)
    found = evaluate(alone, run="r", holdout=output["holdout.npz"], open_session=Broken)
    assert found.metrics == {}
    assert not any(gate.passed for gate in found.gates)


def test_shift_is_in_standard_deviations_and_finite_for_a_constant_champion() -> None:
    champion = np.array([0.0, 1.0, 2.0, 3.0])
    assert score_shift(champion + champion.std(), champion) == pytest.approx(1.0)
    assert np.isfinite(score_shift(champion, np.zeros(4)))


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ('{"FailureReason": "DataError: no rows"}', "DataError: no rows"),
        ('{"SecondaryStatus": "MaxRuntimeExceeded"}', "the training job ended as MaxRuntime"),
        ('{"errorType": "DataError", "errorMessage": "no rows"}', "DataError: no rows"),
        ("plain", "States.Timeout: plain"),
        ("", "States.Timeout"),
        ("[]", "States.Timeout: []"),
    ],
)
def test_the_reason_is_the_jobs_own_where_there_is_one(cause: str, reason: str) -> None:
    assert failure_reason("States.Timeout", cause).startswith(reason)


@pytest.mark.parametrize("run", ["run-1", "run-before-its-snapshot"])
def test_a_failure_is_recorded_even_before_the_run_was(fake: TrainingHouse, run: str) -> None:
    failed = Run("sample", run, "failed", NOW, "jane", "", error="no data")
    assert record_failure(failed, fake.house, at=NOW)
    assert record_failure(failed, fake.house, at=NOW)  # a retried step
    stored = fake.registry.run("sample", run)
    assert (stored.state, stored.error) == ("failed", "no data")


def test_a_failure_of_an_unknown_model_has_no_place_to_be_recorded(fake: TrainingHouse) -> None:
    failed = Run("nobody", "run-1", "failed", NOW, "jane", "", error="no code")
    assert not record_failure(failed, fake.house, at=NOW)
    with pytest.raises(NotFoundError):
        fake.registry.run("nobody", "run-1")
