"""The workflows port over Step Functions: an execution's name makes its start idempotent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tidegate.governance.workflows import ReleaseOrder, TrainingOrder
from tidegate.settings import Settings, arn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StateMachines:
    """Start the training and the release machine of one environment."""

    def __init__(self, client: SFNClient, *, settings: Settings) -> None:
        """Use `client`; the machines' names and ARNs follow from `settings`."""
        self._client, self._settings = client, settings

    def start_training(self, order: TrainingOrder) -> str:
        """Start a training named after its run; return the execution's ARN."""
        machine = self._settings.names.train_machine
        return self._start(machine, name=order.run, payload=order.to_input())

    def start_release(self, order: ReleaseOrder) -> str:
        """Start a release named after its id; return the execution's ARN."""
        machine = self._settings.names.release_machine
        return self._start(machine, name=order.release, payload=order.to_input())

    def _start(self, machine: str, *, name: str, payload: dict[str, object]) -> str:
        text = json.dumps(payload, sort_keys=True, allow_nan=False)
        try:
            answer = self._client.start_execution(
                stateMachineArn=self._arn("stateMachine", machine), name=name, input=text
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            # Names live for 90 days, so this is the same order coming a second time.
            return self._arn("execution", f"{machine}:{name}")
        return answer["executionArn"]

    def _arn(self, kind: str, resource: str) -> str:
        settings = self._settings
        return arn("states", settings.region, settings.account, f"{kind}:{resource}")
