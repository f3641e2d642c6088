"""The end of a run: a version with its whole lineage, or the reason why there is none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.errors import CorruptRecordError, NotFoundError
from tidegate.package import keys
from tidegate.package.fitting import check_memory
from tidegate.registry.signing import Signer
from tidegate.registry.values import Run, Version, VersionDraft
from tidegate.training.exact_files import exact_files
from tidegate.training.gate_report import Evaluation
from tidegate.training.house import House
from tidegate.training.release_choice import ReleaseChoice, choose_release
from tidegate.training.request import TrainingRequest

MAX_ERROR = 2000  # characters of a failure that the registry keeps


@dataclass(frozen=True)
class Finished:
    """What a job and its evaluation left behind."""

    model: str
    run: str
    package: str  # digest
    size: int
    memory_mb: int  # that its model needs, as measured
    job: str


@dataclass(frozen=True)
class Registered:
    """The version and whether it goes on to a release."""

    version: Version
    choice: ReleaseChoice

    def to_answer(self) -> dict[str, str | int | bool]:
        """Return the state that the machine passes on."""
        return {
            "version": self.version.number,
            "status": self.version.status,
            "release": self.choice.release,
            "release_id": self.choice.release_id,
        }


def register_run(
    done: Finished, house: House, signer: Signer, *, at: datetime, actor: str, wanted: bool
) -> Registered:
    """Register and sign the version of a run, once: the run's id is the request's.

    Raises `IntakeError` when the model fits into no endpoint as the project declares it.
    """
    model, registry = done.model, house.registry
    package, project = house.catalog.package(model, done.package), house.catalog.project(model)
    size = package.pointer.size if package.pointer else len(package.model)
    check_memory(done.memory_mb, memory_mb=project.serving.memory_mb, size=size)
    gates = house.artifacts.get(keys.gate_report(model, done.run))
    evaluation = Evaluation.from_json(gates)
    if (evaluation.package, evaluation.run) != (done.package, done.run):
        raise CorruptRecordError(f"gates.json of run {done.run!r} is of another package or run")
    request = TrainingRequest.from_json(house.artifacts.get(keys.run_request(model, done.run)))
    draft = VersionDraft(
        package_digest=package.digest,
        package_size=done.size,
        contract_digest=package.contract.digest,
        run=done.run,
        lineage=replace(
            package.manifest.lineage,
            training_job=done.job,
            parent=evaluation.champion,  # the one that the holdout was compared with
        ),
        metrics=evaluation.metrics,
        gates=evaluation.gates,
        holdout_shift=evaluation.holdout_shift,
        inputs=exact_files(package.data, request.data),
        report=keys.gate_report(model, done.run),
        report_digest=hashlib.sha256(gates).hexdigest(),
    )
    version = registry.register(model, draft, signer, at=at, actor=actor, request_id=done.run)
    run = registry.finish_run(model, run=done.run, state="succeeded", at=at, version=version.number)
    automatic = project.release.automatic
    return Registered(version, choose_release(version, run, wanted=wanted, automatic=automatic))


def record_failure(failed: Run, house: House, *, at: datetime) -> bool:
    """Record that a run failed, also one that failed before it was recorded at all.

    Returns False when there is no such model to record it with.
    """
    registry = house.registry
    try:
        registry.run(failed.model, failed.id)
    except NotFoundError:
        try:
            registry.start_run(replace(failed, state="running", error=""), at=at)
        except NotFoundError:
            return False
    registry.finish_run(failed.model, run=failed.id, state="failed", at=at, error=failed.error)
    return True


def failure_reason(error: str, cause: str) -> str:
    """Return what a person needs to read of a failed state: the job's own reason if there is one.

    >>> failure_reason("States.TaskFailed", '{"FailureReason": "DataError: no rows"}')
    'DataError: no rows'
    """
    try:
        described = json.loads(cause)
    except ValueError:
        described = None
    text = ""
    if isinstance(described, dict):
        text = str(described.get("FailureReason") or described.get("errorMessage") or "")
        status = str(described.get("SecondaryStatus") or "")
        if not text and status:
            text = f"the training job ended as {status}"
        if described.get("errorType"):
            text = f"{described['errorType']}: {text}"
    return (text or f"{error}: {cause}".rstrip(": "))[:MAX_ERROR]
