"""The peer's client: MLflow's own, over HTTP to a tracking server with a SQL store.

`register` is one request that carries the same digests as tags, `promote` sets an alias, `read`
asks for the version behind it. Runs in the peer's environment.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from mlflow import MlflowClient  # type: ignore[import-not-found]  # in its own environment
from mlflow.exceptions import MlflowException  # type: ignore[import-not-found]

from tests.benchmarks.registry.workload import Job

REFUSALS = (MlflowException,)
_ALREADY_THERE = "RESOURCE_ALREADY_EXISTS"
_DIGESTS = ("package", "contract", "data", "code", "environment")


@dataclass
class PeerClient:
    """One client on one model; the server tells nobody of its own retries."""

    client: Any
    model: str
    conflicts: int = 0
    waits: int = 0
    versions: list[str] = field(default_factory=list)

    def register(self) -> None:
        """Create a version; nobody waits for it to become ready, as it is at once."""
        made = self.client.create_model_version(
            self.model,
            source=f"s3://packages/{self.model}",
            tags=dict.fromkeys(_DIGESTS, "a" * 64) | {"auc": "0.81", "log_loss": "0.5"},
            await_creation_for=0,
        )
        self.versions.append(made.version)

    def promote(self) -> None:
        """Point the alias at the oldest version that is left; without one there is nothing."""
        if not self.versions:
            raise MlflowException("no version was registered")
        self.client.set_registered_model_alias(self.model, "champion", self.versions.pop(0))

    def read(self) -> None:
        """Ask for the version behind the alias."""
        self.client.get_model_version_by_alias(self.model, "champion")


def connect(job: Job, number: int) -> PeerClient:
    """Connect one client, and create its model unless another client did."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    client = PeerClient(MlflowClient(job.url), job.models[number % len(job.models)])
    try:
        client.client.create_registered_model(client.model)
    except MlflowException as error:
        if error.error_code != _ALREADY_THERE:
            raise
    return client
