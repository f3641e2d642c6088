"""One suite for the workflows, over the fake and over Step Functions (moto)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.conftest import SETTINGS
from tests.fakes.workflows import MemoryWorkflows
from tidegate.aws.state_machines import StateMachines
from tidegate.governance.workflows import ReleaseOrder, TrainingOrder, Workflows

TRAINING = TrainingOrder("iris", "iris-1", "ann", "new data", params={"depth": 3})
RELEASE = ReleaseOrder("iris", 2, "iris-v2-1", "ann", "better")


@pytest.fixture(params=["memory", "stepfunctions"])
def workflows(request: pytest.FixtureRequest, state_machines: Any) -> Workflows:
    if request.param == "memory":
        return MemoryWorkflows()
    return StateMachines(state_machines, settings=SETTINGS)


def test_starting_the_same_training_again_changes_nothing(workflows: Workflows) -> None:
    assert workflows.start_training(TRAINING) == workflows.start_training(TRAINING)


def test_starting_the_same_release_again_changes_nothing(workflows: Workflows) -> None:
    assert workflows.start_release(RELEASE) == workflows.start_release(RELEASE)


def test_a_machine_gets_the_order_under_the_runs_name(state_machines: Any) -> None:
    arn = StateMachines(state_machines, settings=SETTINGS).start_training(TRAINING)
    found = state_machines.describe_execution(executionArn=arn)
    assert found["name"] == "iris-1"
    assert json.loads(found["input"]) == {
        "model": "iris",
        "run": "iris-1",
        "params": {"depth": 3},
        "actor": "ann",
        "reason": "new data",
        "data_until": "",
        "release": "auto",
    }


def test_the_answer_for_a_name_taken_is_the_arn_of_the_first(state_machines: Any) -> None:
    machines = StateMachines(state_machines, settings=SETTINGS)
    first = machines.start_release(RELEASE)
    state_machines.stop_execution(executionArn=first)
    other = ReleaseOrder("iris", 2, "iris-v2-1", "bob", "something else")
    assert machines.start_release(other) == first
