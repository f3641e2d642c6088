"""ControlFunctions: every control-plane function, and what each of them may touch.

snapshot -> (training job) -> inspect -> evaluate -> register -> release <-> judge
endpoint -> collect, feedback -> (ledger) -> monitor -> (alarm) -> govern -> (training)
(schedule) -> sweep: what any of them left unfinished
batch -> (map over objects) score -> batch
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.batch_access import grant_planning, grant_scoring
from stacks.constructs.corrupt_records import count_corrupt_records
from stacks.constructs.permissions import grant_alias, grant_look, grant_release, grant_start
from stacks.constructs.python_function import Host, PythonFunction, Shape
from stacks.platform import PlatformStack
from stacks.stage import StageSettings
from tidegate.settings import Names

_SDK = ("core", "sdk")
_NUMERIC = ("core", "sdk", "inference")
SHAPES: Mapping[str, Shape] = {
    "snapshot": Shape(_SDK, timeout_seconds=300),
    # 3,008 MB is what a new account may have; a large model is held, and beside it loaded.
    "inspect": Shape(_NUMERIC, memory_mb=3008, timeout_seconds=300, disk_mb=2048),
    "evaluate": Shape(_NUMERIC, memory_mb=3008, timeout_seconds=300),
    "register": Shape(_SDK),
    "record": Shape(_SDK),
    "release": Shape(_NUMERIC, timeout_seconds=120),
    "judge": Shape(_NUMERIC, memory_mb=1024),
    "collect": Shape(_NUMERIC, waited_for=False),
    "feedback": Shape(_NUMERIC, memory_mb=1024, timeout_seconds=29),
    "monitor": Shape(
        ("core", "sdk", "analytics"), memory_mb=1024, timeout_seconds=300, waited_for=False
    ),
    "govern": Shape(_SDK, waited_for=False),
    "sweep": Shape(_SDK, timeout_seconds=300, waited_for=False),
    "batch": Shape(_NUMERIC, memory_mb=1024, timeout_seconds=300),
    # An object, its output and what that is made of lie on the disk; 15 minutes are the most.
    "score": Shape((*_NUMERIC, "tabular"), memory_mb=3008, timeout_seconds=900, disk_mb=10_240),
}


class ControlFunctions(Construct):
    """The functions by verb, each opened to what it needs and to nothing else."""

    def __init__(self, scope: Construct, id_: str, *, host: Host, platform: PlatformStack) -> None:
        super().__init__(scope, id_)
        self._env, self._platform = host.stage.env, platform
        told = {
            "feedback": replace(host.settings, receipt_key=platform.receipt_key.reference),
            "batch": replace(host.settings, batch_buckets=",".join(host.stage.batch_buckets)),
        }
        self._by_verb = {
            verb: PythonFunction(
                self,
                verb.capitalize(),
                verb=verb,
                shape=shape,
                host=replace(host, settings=told.get(verb, host.settings)),
            )
            for verb, shape in SHAPES.items()
        }
        self._grant_training()
        self._grant_release()
        self._grant_observation()
        self._grant_sweep()
        self._grant_batch(host.stage)
        for function in self._by_verb.values():
            count_corrupt_records(function, env=self._env)

    def __getitem__(self, verb: str) -> PythonFunction:
        return self._by_verb[verb]

    def arguments(self, *verbs: str) -> dict[str, lambda_.Function]:
        """Return functions under the names that workflows call them by (`SnapshotFunction`)."""
        return {f"{verb.capitalize()}Function": self[verb].function for verb in verbs}

    def _grant_training(self) -> None:
        """Open what snapshot, inspect, evaluate, register and record work on."""
        files, registry = self._platform.artifacts, self._platform.registry
        for verb in ("snapshot", "register", "record"):
            self._grant_commit(self[verb])
        registry.grant_find(self["snapshot"].role)
        files.grant_list(self["snapshot"].role, "data/")
        files.grant_read_versions(self["snapshot"].role, "data/")
        files.grant_read(self["snapshot"].role, "code/")
        files.grant_write(self["snapshot"].role, "runs/")
        files.grant_read(self["inspect"].role, "runs/")
        files.grant_write(self["inspect"].role, "packages/", "holdouts/")
        registry.grant_read(self["evaluate"].role)
        files.grant_read(self["evaluate"].role, "code/", "packages/", "holdouts/")
        files.grant_write(self["evaluate"].role, "reports/")
        files.grant_read(self["register"].role, "code/", "packages/", "reports/", "runs/")
        self._platform.signing_key.grant_sign(self["register"].role)

    def _grant_release(self) -> None:
        """Open what release and judge work on."""
        for verb in ("release", "judge"):
            self._grant_commit(self[verb])
            self._platform.artifacts.grant_read(self[verb].role, "code/", "packages/")
        self._platform.ledger.grant_read(self["judge"].role)
        grant_release(self["release"].role, env=self._env)
        self._platform.signing_key.grant_verify(self["release"].role)

    def _grant_observation(self) -> None:
        """Open what collect, feedback, monitor and govern work on."""
        files, ledger = self._platform.artifacts, self._platform.ledger
        ledger.grant_windows(self["collect"].role)
        ledger.grant_labels(self["feedback"].role)
        self._platform.registry.grant_read(self["feedback"].role)
        files.grant_read(self["feedback"].role, "packages/")
        for verb in ("monitor", "govern"):
            self._grant_commit(self[verb])
        ledger.grant_read(self["monitor"].role)
        files.grant_read(self["monitor"].role, "code/", "packages/", "reports/")
        files.grant_write(self["monitor"].role, "reports/")
        files.grant_read(self["govern"].role, "code/")
        ledger.grant_idempotency(self["govern"].role, function="govern")
        grant_start(self["govern"].role, machine=Names(self._env).train_machine)

    def _grant_sweep(self) -> None:
        """Open what sweep works on: registry, executions, aliases, packages that lie alone."""
        role = self["sweep"].role
        self._grant_commit(self["sweep"])
        self._platform.artifacts.grant_remove_versions(role, "packages/")
        grant_alias(role, env=self._env)
        grant_look(role, env=self._env)

    def _grant_batch(self, stage: StageSettings) -> None:
        """Open what batch and score work on: packages, and the buckets that jobs may use."""
        files = self._platform.artifacts
        self._platform.registry.grant_read(self["batch"].role)
        self._platform.signing_key.grant_verify(self["batch"].role)
        grant_planning(self["batch"].role, files=files, stage=stage)
        grant_scoring(self["score"].role, files=files, stage=stage)

    def _grant_commit(self, function: PythonFunction) -> None:
        """Let a function commit to the registry and announce what it committed."""
        self._platform.registry.grant_write(function.role)
        self._platform.bus.grant_put(function)
