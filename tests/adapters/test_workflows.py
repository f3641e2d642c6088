"""One suite for the workflows, over the fake and over Step Functions (moto)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes.workflows import MemoryWorkflows
from tidegate.aws.state_machines import StateMachines
from tidegate.governance.workflows import ReleaseOrder, TrainingOrder, Workflows
from tidegate.settings import Settings

SETTINGS = Settings("dev", "123456789012", "us-east-1")
TRAINING = TrainingOrder("iris", "iris-1", "ann", "new data", params={"depth": 3})
RELEASE = ReleaseOrder("iris", 2, "iris-v2-1", "ann", "better")
MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 900, "End": True}}}


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        found = boto3.client(
            "stepfunctions",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for name in (SETTINGS.names.train_machine, SETTINGS.names.release_machine):
            found.create_state_machine(
                name=name,
                definition=json.dumps(MACHINE),
                roleArn="arn:aws:iam::123456789012:role/machine",
            )
        yield found


@pytest.fixture(params=["memory", "stepfunctions"])
def workflows(request: pytest.FixtureRequest, client: Any) -> Workflows:
    if request.param == "memory":
        return MemoryWorkflows()
    return StateMachines(client, settings=SETTINGS)


def test_starting_the_same_training_again_changes_nothing(workflows: Workflows) -> None:
    assert workflows.start_training(TRAINING) == workflows.start_training(TRAINING)


def test_starting_the_same_release_again_changes_nothing(workflows: Workflows) -> None:
    assert workflows.start_release(RELEASE) == workflows.start_release(RELEASE)


def test_a_machine_gets_the_order_under_the_runs_name(client: Any) -> None:
    arn = StateMachines(client, settings=SETTINGS).start_training(TRAINING)
    found = client.describe_execution(executionArn=arn)
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


def test_the_answer_for_a_name_taken_is_the_arn_of_the_first(client: Any) -> None:
    machines = StateMachines(client, settings=SETTINGS)
    first = machines.start_release(RELEASE)
    client.stop_execution(executionArn=first)
    other = ReleaseOrder("iris", 2, "iris-v2-1", "bob", "something else")
    assert machines.start_release(other) == first
