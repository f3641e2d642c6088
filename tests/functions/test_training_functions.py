"""Handlers of the training machine, one after the other, over an environment in memory."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.evaluate import handler as evaluate
from functions.inspect import handler as inspect
from functions.record import handler as record
from functions.register import handler as register
from functions.snapshot import handler as snapshot
from tests.fakes.training_house import SETTINGS, TrainingHouse, project_of
from tests.fakes.training_samples import contract_of, csv_of, table_of
from tidegate import wiring
from tidegate.errors import RequestError
from tidegate.package import keys
from tidegate.training.job import main

RUN = "sample-20261122T220000-ab12"
ORDER = {"model": "sample", "run": RUN, "params": {}, "actor": "jane", "reason": "why"}
CONTEXT: Any = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:f",
    aws_request_id="r",
)
TRAIN = """\
from sklearn.ensemble import HistGradientBoostingClassifier

def train(frame, params):
    y = frame.pop("outcome")
    return HistGradientBoostingClassifier(max_iter=5).fit(frame, y)
"""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> TrainingHouse:
    made = TrainingHouse(project_of(contract_of("binary")))
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS)
    monkeypatch.setattr(wiring, "catalog", lambda: made.house.catalog)
    monkeypatch.setattr(wiring, "signer", lambda: made.signer)
    return made


def run_job(fake: TrainingHouse, root: Path, job: dict[str, Any]) -> None:
    """Do what SageMaker does: bring the channels, run the job, take the model away."""
    channels = root / "input" / "data"
    for name in ("code", "request"):
        (channels / name).mkdir(parents=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("train.py", TRAIN)
    (channels / "code" / "code.zip").write_bytes(archive.getvalue())
    (channels / "code" / "project.json").write_bytes(fake.project.to_json())
    request = fake.artifacts.get(keys.run_request("sample", RUN))
    (channels / "request" / "request.json").write_bytes(request)
    prefix, *files = json.loads(fake.artifacts.get(keys.run_data_manifest("sample", RUN)))
    assert prefix == {"prefix": "s3://artifacts/"}
    for key in files:
        path = channels / "data" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fake.artifacts.get(key))
    assert main(root) == 0, (root / "output" / "failure").read_text()
    output = {path.name: path.read_bytes() for path in (root / "model").iterdir()}
    fake.leave_output(RUN, job=job["TrainingJobName"], files=output)


def test_a_training_goes_through_and_the_next_equal_one_is_answered_from_the_registry(
    fake: TrainingHouse, tmp_path: Path
) -> None:
    contract = fake.project.contract
    fake.push_data("2013.csv", csv_of(table_of("binary", rows=500), contract).encode())
    state = snapshot.handle(dict(ORDER), CONTEXT)
    run_job(fake, tmp_path / "ml", state["job"])
    state |= {"job": state["job"]["TrainingJobName"], "output": "s3://not/used"}
    state |= inspect.handle(dict(state), CONTEXT)
    state |= evaluate.handle(dict(state), CONTEXT)
    assert state["passed"] is True
    state |= register.handle({**ORDER, **state, "release": "auto"}, CONTEXT)
    assert (state["version"], state["status"], state["release"]) == (1, "approved", True)
    assert state["release_id"].startswith("sample-v1-")
    json.dumps(state)
    again = snapshot.handle({**ORDER, "run": "sample-20261123T220000-cd34"}, CONTEXT)
    assert (again["reused"], again["version"]) == (True, 1)


def test_a_failure_is_recorded_and_counted(
    fake: TrainingHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    cause = json.dumps({"FailureReason": "DataError: column 'wind' is null in every row"})
    event = {"model": "sample", "run": RUN, "error": "States.TaskFailed", "cause": cause}
    assert record.handle({**event, "actor": "jane"}, CONTEXT) == {"recorded": True}
    run = fake.registry.run("sample", RUN)
    assert (run.state, run.error) == ("failed", "DataError: column 'wind' is null in every row")
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metric = next(line for line in printed if "_aws" in line)
    assert metric["TrainingFailed"] == [1.0]
    assert (metric["Env"], metric["Model"]) == ("dev", "sample")
    assert record.logger.get_correlation_id() == RUN


def test_a_malformed_order_is_refused_before_anything_is_recorded(fake: TrainingHouse) -> None:
    with pytest.raises(RequestError, match="actor: missing"):
        snapshot.handle({"model": "sample", "run": RUN}, CONTEXT)
    assert fake.registry.runs("sample") == ()
