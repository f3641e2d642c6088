"""Batch jobs by hand: start one, look how far it is, and follow it to its end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tidegate.batch.addresses import MANIFEST, PARTS, Address, output_prefix
from tidegate.batch.values import Manifest, Order, Part
from tidegate.decoding import decode, parse_json
from tidegate.registry.identifiers import run_id
from tidegate.settings import BATCH_PREFIX
from tidegate_cli import workflows
from tidegate_cli.cloud import Cloud
from tidegate_cli.faults import InputError, MissingError

LOCAL_CONCURRENCY = 2  # each object has a process of its own on this machine
CONCURRENCY = 20


@dataclass(frozen=True)
class Look:
    """How far a job is; rows are those that it scored itself."""

    status: str  # of the execution
    objects: int = 0
    done: int = 0
    failed: int = 0
    rows: int = 0
    bad_rows: int = 0


@dataclass
class Watcher:
    """Looks at one job again and again; reads each record of an object once."""

    cloud: Cloud
    arn: str
    order: Order
    _parts: dict[str, Part | None] = field(default_factory=dict)

    @property
    def out(self) -> Address:
        """Where the job writes."""
        return _address(self.order.out)

    def look(self) -> Look:
        """Ask the execution, its map and the records of its objects."""
        client = self.cloud.client("stepfunctions")
        status = str(client.describe_execution(executionArn=self.arn)["status"])
        counts = _counts(client, self.arn)
        own = [part for part in self._read() if part.job == self.order.job]
        return Look(
            status,
            objects=counts.get("total", 0),
            done=counts.get("succeeded", 0),
            failed=counts.get("failed", 0) + counts.get("timedOut", 0),
            rows=sum(part.rows for part in own),
            bad_rows=sum(part.bad_rows for part in own),
        )

    def manifest(self) -> Manifest | None:
        """Return the job's manifest; None as long as it has written none."""
        data = self.cloud.objects.get(self.out.bucket, f"{output_prefix(self.out)}{MANIFEST}")
        if data is None:
            return None
        try:
            found = decode(Manifest, parse_json(data))
        except ValueError:
            return None
        return found if found.job == self.order.job else None

    def _read(self) -> list[Part]:
        objects = self.cloud.objects
        for item in objects.list(self.out.bucket, f"{output_prefix(self.out)}{PARTS}"):
            known = f"{item.key} {item.etag}"
            if known not in self._parts:
                data = objects.get(item.bucket, item.key)
                self._parts[known] = Part.from_json(data) if data else None
        return [part for part in self._parts.values() if part is not None]


def new_job(model: str, at: datetime) -> str:
    """Return an id for a job that nobody else has."""
    return run_id(model, at, secrets.token_hex(2))


def address(cloud: Cloud, text: str) -> str:
    """Return the `s3://` form; a bare prefix is one below `batch/` in the environment's bucket."""
    if Path(text).exists():
        own = f"s3://{cloud.settings.artifacts_bucket}/{BATCH_PREFIX}"
        raise InputError(f"{text} is a file of this machine", hint=f"copy it below {own} first")
    if "://" not in text:
        rest = text.removeprefix(BATCH_PREFIX)
        text = f"s3://{cloud.settings.artifacts_bucket}/{BATCH_PREFIX}{rest}"
    return text


def start(cloud: Cloud, order: Order) -> str:
    """Start a job; return its execution's ARN."""
    client, settings = cloud.client("stepfunctions"), cloud.settings
    machine = settings.names.batch_machine
    arn = f"arn:aws:states:{settings.region}:{settings.account}:stateMachine:{machine}"
    try:
        answer = client.start_execution(
            stateMachineArn=arn, name=order.job, input=json.dumps(asdict(order))
        )
    except client.exceptions.StateMachineDoesNotExist as error:
        raise MissingError(
            f"environment {cloud.env} has no batch workflow: {error}",
            hint=f"run: tidegate deploy --env {cloud.env}",
        ) from error
    return str(answer["executionArn"])


def find(cloud: Cloud, job: str) -> Watcher:
    """Return the watcher of a job that was started; raise `MissingError` when there is none."""
    client = cloud.client("stepfunctions")
    arn = workflows.execution_arn(cloud, cloud.settings.names.batch_machine, job)
    try:
        found = client.describe_execution(executionArn=arn)
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn) as error:
        raise MissingError(f"there is no batch job {job!r} in {cloud.env}") from error
    return Watcher(cloud, arn, Order.from_event(json.loads(found["input"])))


def follow(watcher: Watcher, told: Callable[[Look], None]) -> Look:
    """Look until the job has ended; `told` hears of each look."""
    pause = 0.5 if watcher.cloud.endpoint else 3.0
    while True:
        seen = watcher.look()
        told(seen)
        if seen.status != workflows.RUNNING:
            return seen
        time.sleep(pause)


def cause(watcher: Watcher) -> str:
    """Return why an execution failed, in a sentence."""
    client = watcher.cloud.client("stepfunctions")
    found = client.describe_execution(executionArn=watcher.arn)
    return workflows.readable(str(found.get("cause") or found.get("error") or ""))


def _address(text: str) -> Address:
    bucket, _, key = text.removeprefix("s3://").partition("/")
    return Address(bucket, key)


def _counts(client: Any, arn: str) -> dict[str, int]:  # noqa: ANN401 - boto3 makes its clients
    runs = client.list_map_runs(executionArn=arn)["mapRuns"]
    if not runs:
        return {}
    found: dict[str, int] = client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    return found
