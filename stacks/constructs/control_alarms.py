"""ControlAlarms: a function or workflow fails, an event is undelivered, the API answers 5xx."""

from __future__ import annotations

from constructs import Construct

from stacks.constructs.alarm import Alarm, Watch
from stacks.constructs.arns import machine_arn
from stacks.constructs.control_functions import SHAPES
from stacks.constructs.event_bus import log_namespace
from stacks.constructs.front_door import STAGE
from stacks.constructs.sweep_schedule import every_minutes
from stacks.stage import StageSettings
from tidegate.settings import (
    ANNOUNCEMENT_FAILED,
    CORRUPT_RECORD,
    NAMESPACE,
    SWEEP_HEARTBEAT,
    Names,
)


class ControlAlarms(Construct):
    """The alarms of one environment's control plane."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings, api_id: str) -> None:
        super().__init__(scope, id_)
        self._stage = stage
        names = Names(stage.env)
        for verb in SHAPES:
            function = {"FunctionName": names.function(verb)}
            self._add(f"{verb}-errors", Watch("AWS/Lambda", "Errors", function))
        for machine in (names.train_machine, names.release_machine):
            execution = {"StateMachineArn": machine_arn(self, machine)}
            kind = machine.removeprefix(f"{names.prefix}-")
            for outcome in ("Failed", "TimedOut"):
                watch = Watch("AWS/States", f"Executions{outcome}", execution)
                self._add(f"{kind}-{outcome.lower()}", watch)
        queue = {"QueueName": names.undelivered}
        depth = Watch("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, statistic="Maximum")
        self._add("undelivered", depth)
        failed = Watch(log_namespace(stage.env), ANNOUNCEMENT_FAILED)
        self._add("announcements-failed", failed)
        self._add("corrupt-records", Watch(log_namespace(stage.env), CORRUPT_RECORD))
        self._add("sweep-heartbeat", _heartbeat(stage))
        api = {"ApiId": api_id, "Stage": STAGE}
        self._add("api-server-errors", Watch("AWS/ApiGateway", "5xx", api, threshold=5))

    def _add(self, what: str, watch: Watch) -> None:
        Alarm(
            self,
            "".join(part.capitalize() for part in what.split("-")),
            name=f"{Names(self._stage.env).prefix}-control-{what}",
            description=f"Tidegate {self._stage.env}: {what.replace('-', ' ')}",
            watch=watch,
            stage=self._stage,
        )


def _heartbeat(stage: StageSettings) -> Watch:
    """Watch that the sweep runs: two that did not come in a row ring."""
    return Watch(
        NAMESPACE,
        SWEEP_HEARTBEAT,
        {"Env": stage.env},
        below=True,
        period_seconds=every_minutes(stage) * 60,
        periods=2,
        missing="breaching",
    )
