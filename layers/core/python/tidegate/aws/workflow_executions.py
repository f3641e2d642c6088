"""The executions' port over Step Functions: runs and releases name their executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tidegate.registry.executions import Execution, ExecutionStatus
from tidegate.settings import Settings, arn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LONGEST_REASON = 300  # characters of a cause, which may hold a whole stack trace


class WorkflowExecutions:
    """Look at executions of one environment's training and release machine."""

    def __init__(self, client: SFNClient, *, settings: Settings) -> None:
        """Use `client`; the executions' ARNs follow from `settings`."""
        self._client, self._settings = client, settings

    def training(self, run: str) -> Execution:
        """Return the execution of a training run; MISSING when Step Functions knows none."""
        return self._look(self._settings.names.train_machine, run)

    def release(self, release: str) -> Execution:
        """Return the execution of a release; MISSING when Step Functions knows none."""
        return self._look(self._settings.names.release_machine, release)

    def _look(self, machine: str, name: str) -> Execution:
        settings = self._settings
        where = arn("states", settings.region, settings.account, f"execution:{machine}:{name}")
        try:
            found = self._client.describe_execution(executionArn=where)
        except self._client.exceptions.ExecutionDoesNotExist:
            # Also after 90 days: Step Functions forgets what ended.
            return Execution("MISSING")
        told = [found.get("error") or "", found.get("cause") or ""]
        reason = ": ".join(part for part in told if part)[:LONGEST_REASON]
        return Execution(cast("ExecutionStatus", found["status"]), reason)
