"""Our client: the registry over `RegistryTable` and boto3, with the emulated KMS as signer.

`register` is reserve, sign, complete and approve; `promote` takes the release lock and finishes
the release as promoted; `read` asks for the champion. Events are not sent on to EventBridge.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.registry.emulator import KEY, TABLE, client
from tests.benchmarks.registry.workload import Job
from tests.fakes.made import draft, release
from tidegate.aws.registry_table import RegistryTable
from tidegate.aws.signing_key import SigningKey
from tidegate.errors import LockHeldError, RegistryConflictError
from tidegate.registry.book import Registry
from tidegate.registry.retries import Retries
from tidegate.registry.values import Event, Release

REFUSALS = (RegistryConflictError, LockHeldError, LookupError)
_LEASE = timedelta(minutes=10)
_FOR_LOCK = Retries(attempts=200, base=0.05)  # how long one client waits for another's release


class Silent:
    """An announcer that tells nobody."""

    def announce(self, event: Event) -> None:
        """Send nothing."""


@dataclass
class OurClient:
    """One client on one model; counts the conflicts that its registry overcame."""

    registry: Registry
    signer: SigningKey
    model: str
    conflicts: int = 0
    waits: int = 0
    versions: list[int] = field(default_factory=list)

    def register(self) -> None:
        """Reserve, sign, complete and approve one version."""
        made = self.registry.register(
            self.model,
            draft(),
            self.signer,
            at=datetime.now(UTC),
            actor="bench",
            request_id=uuid.uuid4().hex,
        )
        self.versions.append(made.number)

    def promote(self) -> None:
        """Release the oldest version that is left, at once and to all traffic."""
        asked = replace(release(uuid.uuid4().hex, self.versions.pop(0)), model=self.model)
        ended = replace(self._begin(asked), state="promoted", function_version="1", weight=100)
        self.registry.finish_release(ended, at=datetime.now(UTC))

    def read(self) -> None:
        """Ask for the champion."""
        self.registry.champion(self.model)

    def count_conflict(self, parsed: Mapping[str, Any], **_: object) -> None:
        """Count an answer of DynamoDB that cancelled a transaction."""
        self.conflicts += "Error" in parsed

    def _begin(self, asked: Release) -> Release:
        for attempt in itertools.count():
            try:
                return self.registry.begin_release(asked, lease=_LEASE, at=datetime.now(UTC))
            except LockHeldError:
                if _FOR_LOCK.is_last(attempt):
                    raise
            self.waits += 1
            _FOR_LOCK.pause(attempt)
        raise AssertionError("the last attempt raises")


def connect(job: Job, number: int) -> OurClient:
    """Connect one client, and create its model unless another client did."""
    model = job.models[number % len(job.models)]
    dynamodb = client(job.url, "dynamodb")
    registry = Registry(RegistryTable(dynamodb, table=TABLE), Silent())
    registry.ensure_model(model, owner="bench", at=datetime.now(UTC), actor="bench")
    ours = OurClient(registry, SigningKey(client(job.url, "kms"), key_id=KEY), model)
    dynamodb.meta.events.register("after-call.dynamodb.TransactWriteItems", ours.count_conflict)
    return ours
