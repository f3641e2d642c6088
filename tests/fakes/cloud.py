"""An environment in memory, as the command line sees one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.fakes import made
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.switch import MemorySwitch
from tests.fakes.traffic import FakeTraffic
from tests.fakes.workflows import MemoryWorkflows
from tidegate.catalog import Catalog
from tidegate.client import Answer, Client
from tidegate.registry.book import Registry
from tidegate.settings import Settings

BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)


class FakeExecutions:
    """Step Functions, as far as following an execution goes; each look shows one more state."""

    class exceptions:  # noqa: N801
        class StateMachineDoesNotExist(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.states = ["Snapshot", "Train", "Register"]
        self.status, self.output, self.error, self.cause = "SUCCEEDED", "{}", "", ""
        self.looks = 0

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.looks += 1
        found = {"executionArn": executionArn, "startDate": BEGAN, "status": "RUNNING"}
        if self.looks < len(self.states):
            return found
        ended = {"stopDate": BEGAN + timedelta(seconds=61), "output": self.output}
        return {**found, **ended, "status": self.status, "error": self.error, "cause": self.cause}

    def get_execution_history(
        self,
        *,
        nextToken: str = "0",  # noqa: N803
        **_: object,
    ) -> dict[str, Any]:
        at, seen = int(nextToken), self.states[: self.looks]
        event = {"id": at + 1, "timestamp": BEGAN + timedelta(seconds=at)}
        if at < len(seen):
            event["stateEnteredEventDetails"] = {"name": seen[at]}
        page: dict[str, Any] = {"events": [event]}
        return {**page, "nextToken": str(at + 1)} if at + 1 < len(seen) else page


class FakeAlarms:
    """CloudWatch, as far as alarms go."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    def describe_alarms(self, *, AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803
        known = [name for name in AlarmNames if name in self.states]
        return {"MetricAlarms": [{"AlarmName": n, "StateValue": self.states[n]} for n in known]}


class FakeHttp:
    """An API that remembers what was sent, and gives the same answer to everything."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.answer = Answer(200, {}, 0.01)

    def post(self, path: str, payload: Any, *, gzipped: bool = False) -> Answer:  # noqa: ARG002
        self.sent.append((path, payload))
        return self.answer

    def close(self) -> None:
        pass


@dataclass
class FakeCloud:
    """`Cloud` without a cloud."""

    root: Path
    registry: Registry = field(default_factory=lambda: made.registry()[0])
    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)
    machines: MemoryWorkflows = field(default_factory=MemoryWorkflows)
    switch: FakeTraffic = field(default_factory=FakeTraffic)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    alarms: FakeAlarms = field(default_factory=FakeAlarms)
    api: FakeHttp = field(default_factory=FakeHttp)
    automation: MemorySwitch = field(default_factory=MemorySwitch)
    functions: Any = field(default_factory=SimpleNamespace)
    settings: Settings = field(default_factory=lambda: Settings("local", "0" * 12, "us-east-1"))
    endpoint: str = "http://127.0.0.1:1"
    env: str = "local"

    @property
    def catalog(self) -> Catalog:
        return Catalog(registry=self.registry, artifacts=self.artifacts)

    def client(self, service: str) -> Any:
        return {
            "stepfunctions": self.executions,
            "cloudwatch": self.alarms,
            "lambda": self.functions,
        }[service]

    def traffic(self, _: str) -> FakeTraffic:
        return self.switch

    def model_client(self, model: str) -> Client:
        return Client(self.api, model)  # type: ignore[arg-type]
