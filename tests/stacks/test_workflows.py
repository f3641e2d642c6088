"""The two state machines: every step is bounded and retried, every failure has a way out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stacks.constructs.control_functions import SHAPES
from stacks.constructs.workflow import _VARIABLE, _fill
from stacks.sources import Sources
from tests.stacks.conftest import ROOT, Synthesized
from tidegate import errors
from tidegate.errors import ProjectError, TidegateError

MACHINES = ("train", "release", "batch")
AWS_ERRORS = re.compile(
    r"(States\.(ALL|DataLimitExceeded)|Lambda\.\w+|SageMaker\.\w+|StepFunctions\.\w+)"
)
LAMBDA = "arn:aws:states:::lambda:invoke"
State = dict[str, Any]


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Sources(ROOT).workflow(request.param))
    return {**found, "Name": request.param}


def tasks(machine: dict[str, Any]) -> dict[str, State]:
    return {name: s for name, s in machine["States"].items() if s["Type"] == "Task"}


def targets(state: State) -> set[str]:
    found = {state.get("Next"), state.get("Default")}
    for branch in ("Choices", "Catch"):
        found |= {way["Next"] for way in state.get(branch, [])}
    return {name for name in found if name}


def reachable(machine: dict[str, Any], start: str) -> set[str]:
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += targets(machine["States"][name])
    return seen


def test_it_is_jsonata_with_a_bound_on_everything(machine: dict[str, Any]) -> None:
    assert machine["QueryLanguage"] == "JSONata"
    assert machine["TimeoutSeconds"] > 0
    for name, task in tasks(machine).items():
        assert task["TimeoutSeconds"] > 0, name


def test_every_state_is_reached_and_every_way_leads_somewhere(machine: dict[str, Any]) -> None:
    assert reachable(machine, machine["StartAt"]) == set(machine["States"])


def test_every_way_can_end(machine: dict[str, Any]) -> None:
    ends = {n for n, s in machine["States"].items() if s["Type"] in ("Succeed", "Fail")}
    for name in machine["States"]:
        assert reachable(machine, name) & ends, name


def test_every_task_catches_everything(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        caught = [error for way in task["Catch"] for error in way["ErrorEquals"]]
        assert caught[-1] == "States.ALL", name  # must come last
        assert "States.DataLimitExceeded" in caught, name  # States.ALL leaves it out


def test_every_task_retries_with_jitter_where_many_may_race(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        for retry in task["Retry"]:
            waits_for_one = retry["ErrorEquals"] == ["${PublishPendingError}"]
            assert waits_for_one or retry["JitterStrategy"] == "FULL", name
            assert retry["MaxAttempts"] > 0, name


def test_lambda_throttling_and_outages_are_retried(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        if task["Resource"] == LAMBDA:
            retried = {error for retry in task["Retry"] for error in retry["ErrorEquals"]}
            assert retried & {"Lambda.TooManyRequestsException", "States.ALL"}, name


def test_every_error_name_is_an_error(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        for way in [*task["Retry"], *task["Catch"]]:
            for error in way["ErrorEquals"]:
                ours = re.fullmatch(r"\$\{(\w+)\}", error)
                if ours is None:
                    assert AWS_ERRORS.fullmatch(error), f"{name}: {error}"
                else:
                    found = getattr(errors, ours[1])
                    assert issubclass(found, TidegateError), f"{name}: {error}"


def test_errors_of_ours_that_are_retried_are_retryable(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        for retry in task["Retry"]:
            for error in re.findall(r"\$\{(\w+)\}", json.dumps(retry["ErrorEquals"])):
                assert getattr(errors, error).retryable, f"{name}: {error}"


def test_a_held_lock_is_not_waited_for() -> None:
    assert "LockHeldError" not in Sources(ROOT).workflow("release")


def test_a_task_waits_longer_than_its_function(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine).items():
        if task["Resource"] == LAMBDA:
            verb = re.fullmatch(r"\$\{(\w+)Function\}", task["Arguments"]["FunctionName"])
            assert verb is not None
            assert task["TimeoutSeconds"] > SHAPES[verb[1].lower()].timeout_seconds, name


def test_every_failure_of_a_training_is_recorded() -> None:
    states = json.loads(Sources(ROOT).workflow("train"))["States"]
    for name in ("Snapshot", "Train", "Inspect", "Evaluate", "Register"):
        assert {way["Next"] for way in states[name]["Catch"]} == {"Record"}, name
    assert states["Record"]["Next"] == "Failed"


def test_every_failure_of_a_release_is_rolled_back() -> None:
    states = json.loads(Sources(ROOT).workflow("release"))["States"]
    steps = ("Begin", "Publish", "Verify", "Shift", "Judge", "Finish")
    for name in steps:
        assert {way["Next"] for way in states[name]["Catch"]} == {"RollBack"}, name
    assert states["Answer?"]["Default"] == "RollBack"
    assert states["RollBack"]["Retry"][0]["ErrorEquals"] == ["States.ALL"]


def test_each_attempt_of_a_training_has_a_job_name_of_its_own() -> None:
    arguments = json.loads(Sources(ROOT).workflow("train"))["States"]["Train"]["Arguments"]

    assert "RetryCount" in arguments
    assert "RedriveCount" in arguments


def test_a_release_is_started_under_its_own_id() -> None:
    start = json.loads(Sources(ROOT).workflow("train"))["States"]["StartRelease"]

    assert start["Arguments"]["Name"] == "{% $states.input.release_id %}"
    again = {"StepFunctions.ExecutionAlreadyExistsException": "Done"}
    assert {e: way["Next"] for way in start["Catch"] for e in way["ErrorEquals"]}.items() >= (
        again.items()
    )


def test_a_variable_without_a_value_is_named() -> None:
    with pytest.raises(ProjectError, match=r"stacks/workflows: \$\{Nobody\}: nobody gives it"):
        _fill('{"a": "${Nobody}"}', {})


def test_everything_is_filled_in_when_deployed(cloud: Synthesized, env: str) -> None:
    machines = cloud.resources(env, "control", "AWS::StepFunctions::StateMachine").values()
    assert len(machines) == 3
    for found in machines:
        properties = found["Properties"]
        used = set(_VARIABLE.findall(json.dumps(properties["DefinitionString"])))
        assert used == set(properties["DefinitionSubstitutions"])
        logging = properties["LoggingConfiguration"]
        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)


def test_a_machine_may_call_its_own_functions_only(cloud: Synthesized, env: str) -> None:
    policies = cloud.resources(env, "control", "AWS::IAM::Policy")
    release = json.dumps([p for key, p in policies.items() if key.startswith("ReleaseWorkflow")])
    called = set(re.findall(r"Functions(\w+?)Function", release))

    assert called == {"Release", "Judge"}
