"""`tidegate batch`: what is ordered, what a person is told, and what is left running."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes.batch_objects import VERSION, MemoryObjects, workshop
from tests.fakes.cloud import BEGAN, FakeCloud
from tests.fakes.made import registry
from tidegate.batch.addresses import Buckets
from tidegate.batch.finishing import finish
from tidegate.batch.house import House
from tidegate.batch.planning import make_plan, read_items
from tidegate.batch.values import Order
from tidegate.batch.working import score_piece
from tidegate.errors import BatchError
from tidegate_cli import batch, invocation
from tidegate_cli.main import app

OWN = "tidegate-local-artifacts-000000000000-us-east-1"
GOOD = "id,wind,gusts,harbour,boats,holiday\na,12.5,1.0,south,2,false\nb,x,1.0,south,2,true\n"


class FakeMachine:
    """Step Functions with the batch machine, which does a whole job when it is started."""

    class exceptions:  # noqa: N801
        class StateMachineDoesNotExist(Exception):  # noqa: N818
            pass

        class ExecutionDoesNotExist(Exception):  # noqa: N818
            pass

        class InvalidArn(Exception):  # noqa: N818
            pass

    def __init__(self, objects: MemoryObjects, folder: Path) -> None:
        self.objects, self.folder = objects, folder
        self.orders: dict[str, Order] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self.error = ""

    def start_execution(
        self,
        *,
        stateMachineArn: str,  # noqa: N803
        name: str,
        input: str,
    ) -> dict[str, Any]:
        assert stateMachineArn.endswith(":stateMachine:tidegate-local-batch")
        arn = f"arn:aws:states:us-east-1:{'0' * 12}:execution:tidegate-local-batch:{name}"
        self.orders[arn] = Order.from_event(json.loads(input))
        self.states[arn] = self._run(self.orders[arn]) | {"input": input}
        return {"executionArn": arn}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.states:
            raise self.exceptions.ExecutionDoesNotExist
        return self.states[executionArn]

    def list_map_runs(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        runs = [] if self.error else [{"mapRunArn": executionArn}]
        return {"mapRuns": runs}

    def describe_map_run(self, *, mapRunArn: str) -> dict[str, Any]:  # noqa: N803
        return {"itemCounts": self.states[mapRunArn]["counts"]}

    def _run(self, order: Order) -> dict[str, Any]:
        if self.error:
            cause = json.dumps({"errorType": "RequestError", "errorMessage": self.error})
            return {"status": "FAILED", "error": "RequestError", "cause": cause, "counts": {}}
        house = House(registry()[0], self.objects, Buckets(OWN))
        plan = make_plan(order, VERSION, house, "2026-11-24T10:00:00.000Z")
        failed = 0
        for piece in read_items(plan, house):
            try:
                score_piece(piece, workshop(self.objects, self.folder))
            except BatchError:
                failed += 1
        ending = finish(order, plan, house, "2026-11-24T10:01:00.000Z")
        status = "FAILED" if ending.status == "failed" else "SUCCEEDED"
        counts = {"total": plan.objects, "succeeded": plan.objects - failed, "failed": failed}
        return {"status": status, "counts": counts, "startDate": BEGAN}


@dataclass
class BatchCloud(FakeCloud):
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    machine: Any = None

    def client(self, service: str) -> Any:
        return self.machine if service == "stepfunctions" else super().client(service)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BatchCloud:
    objects = MemoryObjects()
    objects.put(OWN, "batch/in/a.csv", GOOD.encode())
    made = BatchCloud(tmp_path, objects=objects, machine=FakeMachine(objects, tmp_path))
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(invocation, "connect", lambda *_: made)
    monkeypatch.delenv("TIDEGATE_ENV", raising=False)
    monkeypatch.delenv("TIDEGATE_ROOT", raising=False)
    monkeypatch.setenv("TIDEGATE_ACTOR", "ann")
    monkeypatch.setenv("COLUMNS", "200")
    return made


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def ordered(cloud: BatchCloud) -> Order:
    (order,) = cloud.machine.orders.values()
    found: Order = order
    return found


def test_a_job_is_followed_to_its_manifest(cloud: BatchCloud) -> None:
    result = call("--json", "batch", "ferry-delay", "in", "--out", "out", "--keep", "id")
    answer = json.loads(result.stdout)

    assert result.exit_code == 0, result.output
    assert (answer["status"], answer["version"]) == ("complete", 3)
    assert answer["totals"] == {
        "objects": 1, "succeeded": 1, "failed": 0, "reused": 0, "rows": 2, "bad_rows": 1,
    }  # fmt: skip
    order = ordered(cloud)
    assert (order.source, order.out) == (f"s3://{OWN}/batch/in", f"s3://{OWN}/batch/out")
    assert (order.actor, order.keep, order.concurrency) == ("ann", ("id",), 2)


def test_a_person_is_told_rows_and_where_the_manifest_is(cloud: BatchCloud) -> None:
    result = call("batch", "run", "ferry-delay", "batch/in/", "--out", f"s3://{OWN}/batch/out/")

    assert "complete ferry-delay@3: 1 of 1 objects (0 done before), 2 rows, 1 of them bad" in (
        result.stdout
    )
    assert f"s3://{OWN}/batch/out/manifest.json" in result.stdout


def test_failed_objects_are_listed_and_the_exit_code_says_it(cloud: BatchCloud) -> None:
    cloud.objects.put(OWN, "batch/in/[b].csv", b"wind\n1\n")
    result = call("batch", "ferry-delay", "in", "--out", "out")

    assert result.exit_code == 1
    assert "failed ferry-delay@3: 1 of 2 objects" in result.stdout
    assert "batch/in/[b].csv" in result.stdout
    assert call("batch", "ferry-delay", "in", "--out", "out", "--tolerate", "50").exit_code == 0


def test_a_job_that_could_not_be_planned_says_why(cloud: BatchCloud) -> None:
    cloud.machine.error = "bucket 'x' is not open to batch jobs"
    result = call("batch", "ferry-delay", "s3://x/in", "--out", "out")

    assert result.exit_code == 1
    assert "bucket 'x' is not open to batch jobs" in result.stdout
    assert "errorType" not in result.stdout


def test_a_job_may_be_left_alone_and_looked_up_again(cloud: BatchCloud) -> None:
    started = call("--json", "batch", "ferry-delay", "in", "--out", "out", "--no-wait")
    job = json.loads(started.stdout)["job"]
    found = json.loads(call("--json", "batch", "status", job).stdout)

    assert (found["job"], found["status"]) == (job, "complete")
    missing = call("batch", "status", "ferry-delay-20200101T000000-ab12")
    assert missing.exit_code == 4
    assert "there is no batch job" in missing.output


def test_leaving_a_job_says_how_to_look_again(
    cloud: BatchCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "follow", leave)
    result = call("batch", "ferry-delay", "in", "--out", "out")

    assert result.exit_code == 130
    assert "tidegate batch status ferry-delay-" in result.output


def test_a_file_of_this_machine_is_not_taken_for_a_prefix(cloud: BatchCloud) -> None:
    (cloud.root / "rows.csv").write_text(GOOD)
    result = call("batch", "ferry-delay", "rows.csv", "--out", "out")

    assert result.exit_code == 3
    assert f"copy it below s3://{OWN}/batch/ first" in result.output
