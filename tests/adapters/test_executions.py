"""One suite for the executions' port, over the fake and over Step Functions (moto)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.conftest import SETTINGS
from tests.fakes.executions import RUNNING, MemoryExecutions
from tidegate.aws.state_machines import StateMachines
from tidegate.aws.workflow_executions import LONGEST_REASON, WorkflowExecutions
from tidegate.governance.workflows import ReleaseOrder, TrainingOrder
from tidegate.registry.executions import Execution, Executions


@pytest.fixture
def client(state_machines: Any) -> Any:
    machines = StateMachines(state_machines, settings=SETTINGS)
    machines.start_training(TrainingOrder("iris", "iris-1", "ann", "new data"))
    machines.start_release(ReleaseOrder("iris", 2, "iris-v2-1", "ann", "better"))
    return state_machines


@pytest.fixture(params=["memory", "stepfunctions"])
def executions(request: pytest.FixtureRequest, client: Any) -> Executions:
    if request.param == "memory":
        return MemoryExecutions({"iris-1": RUNNING}, {"iris-v2-1": RUNNING})
    return WorkflowExecutions(client, settings=SETTINGS)


def test_what_was_started_runs(executions: Executions) -> None:
    assert executions.training("iris-1").is_alive
    assert executions.release("iris-v2-1").is_alive


@pytest.mark.parametrize("name", ["iris-2", "iris-v2-1"])
def test_a_training_that_was_never_started_is_missing(executions: Executions, name: str) -> None:
    found = executions.training(name)
    assert found == Execution("MISSING")
    assert not found.is_alive


def test_one_that_was_stopped_says_why(client: Any) -> None:
    executions = WorkflowExecutions(client, settings=SETTINGS)
    where = "arn:aws:states:us-east-1:123456789012:execution:tidegate-dev-train:iris-1"
    client.stop_execution(executionArn=where, error="Tests", cause="by hand")
    found = executions.training("iris-1")
    assert (found.status, found.is_alive) == ("ABORTED", False)


def test_a_cause_is_kept_short(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"status": "FAILED", "error": "DataError", "cause": "x" * 10_000}
    monkeypatch.setattr(client, "describe_execution", lambda **_: answer)
    found = WorkflowExecutions(client, settings=SETTINGS).release("iris-v2-1")
    assert found.ending.startswith("its workflow has FAILED: DataError: xxx")
    assert len(found.reason) == LONGEST_REASON
