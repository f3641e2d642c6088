"""Workflows by hand: start a training or a release, follow it, take a release back."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tidegate.clock import utc_now
from tidegate.governance.workflows import ReleaseOrder, TrainingOrder
from tidegate.registry.commits import Act
from tidegate.registry.identifiers import release_id, run_id
from tidegate.registry.values import Release
from tidegate.release.by_hand import roll_back_to
from tidegate_cli.cloud import Cloud
from tidegate_cli.faults import MissingError
from tidegate_cli.identity import actor

RUNNING = "RUNNING"
ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
OnState = Callable[[str, float], None]


@dataclass(frozen=True)
class Outcome:
    """How an execution ended; `error` and `cause` are of the state that failed."""

    arn: str
    status: str
    output: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    cause: str = ""
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether the execution came to its good end."""
        return self.status == "SUCCEEDED"


def train(cloud: Cloud, order: TrainingOrder) -> str:
    """Start a training; return its execution's ARN."""
    return _start(cloud, lambda: cloud.machines.start_training(order))


def release(cloud: Cloud, order: ReleaseOrder) -> str:
    """Start a release; return its execution's ARN."""
    return _start(cloud, lambda: cloud.machines.start_release(order))


def roll_back(cloud: Cloud, model: str, *, version: int, reason: str) -> Release:
    """Make a former champion serve everything again, at once and without a canary."""
    act = Act(utc_now(), actor(), reason)
    traffic = cloud.traffic(model)
    return roll_back_to(cloud.registry, traffic, model=model, version=version, act=act)


def new_run(model: str, at: datetime) -> str:
    """Return an id for a training run that nobody else has."""
    return run_id(model, at, secrets.token_hex(2))


def new_release(model: str, version: int, at: datetime) -> str:
    """Return an id for a release that nobody else has."""
    return release_id(model, version, at, secrets.token_hex(2))


def execution_arn(cloud: Cloud, machine: str, name: str) -> str:
    """Return the ARN of the execution that a run or release id names."""
    settings = cloud.settings
    where = f"arn:aws:states:{settings.region}:{settings.account}"
    return f"{where}:execution:{machine}:{name}"


def follow(cloud: Cloud, arn: str, *, on_state: OnState = lambda _name, _seconds: None) -> Outcome:
    """Wait for an execution's end; `on_state` hears of each state that is entered, and when."""
    client = cloud.client("stepfunctions")
    pause = 0.4 if cloud.endpoint else 2.0
    seen: set[int] = set()
    while True:
        found = client.describe_execution(executionArn=arn)
        _tell_states(client, found, seen, on_state)
        if found["status"] != RUNNING:
            return _outcome(found)
        time.sleep(pause)


def _tell_states(
    client: Any,  # noqa: ANN401
    execution: dict[str, Any],
    seen: set[int],
    on_state: OnState,
) -> None:
    for event in _history(client, execution["executionArn"]):
        entered = event.get("stateEnteredEventDetails")
        if entered and event["id"] not in seen:
            seen.add(event["id"])
            passed = (event["timestamp"] - execution["startDate"]).total_seconds()
            on_state(str(entered["name"]), max(0.0, passed))


def _history(client: Any, arn: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    token: dict[str, str] = {}
    while True:
        page = client.get_execution_history(executionArn=arn, maxResults=1000, **token)
        yield from page["events"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def _outcome(found: dict[str, Any]) -> Outcome:
    ended = found.get("stopDate")
    seconds = (ended - found["startDate"]).total_seconds() if ended else 0.0
    output = json.loads(found["output"]) if found.get("output") else {}
    return Outcome(
        arn=found["executionArn"],
        status=found["status"],
        output=output if isinstance(output, dict) else {"output": output},
        error=found.get("error") or "",
        cause=readable(found.get("cause") or ""),
        seconds=seconds,
    )


def readable(cause: str) -> str:
    """Return the sentence in a cause: of a function's error, or of a training job's description.

    >>> readable('{"errorType": "DataError", "errorMessage": "no rows", "stackTrace": []}')
    'no rows'
    """
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(told, dict):
        return cause
    return str(told.get("errorMessage") or told.get("FailureReason") or cause)


def _start(cloud: Cloud, start: Callable[[], str]) -> str:
    errors = cloud.client("stepfunctions").exceptions
    try:
        return start()
    except errors.StateMachineDoesNotExist as error:
        raise MissingError(
            f"environment {cloud.env} is not deployed: {error}",
            hint=f"run: tidegate deploy --env {cloud.env}",
        ) from error
