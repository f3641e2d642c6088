"""Jobs: the life of a training job and what DescribeTrainingJob says of it.

InProgress (Starting -> Downloading -> Training -> Uploading) -> Completed | Failed | Stopped

A job's record is written to its folder at every change, so it outlives the server; a job that was
running when the server stopped is Failed afterwards, for nobody watches it any more.
"""

import importlib
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from .. import logs
from ..settings import Settings
from . import process
from .process import Entrypoint
from .requests import ApiError, invalid, validate
from .storage import Storage

_exceptions: Any = importlib.import_module("botocore.exceptions")
S3_CLIENT_ERROR: type[Exception] = _exceptions.ClientError
S3_CONNECTION_ERROR: type[Exception] = _exceptions.BotoCoreError
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")
_MESSAGES = {
    "Starting": "Launching the training process",
    "Downloading": "Downloading input data",
    "Training": "Training in progress",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds",
}


class Job:
    """One training job."""

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder = folder
        self.record = record
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._entrypoint: Entrypoint | None = None
        self._stopping = False

    def enter(self, secondary: str, status: str = "InProgress", **fields: Any) -> None:
        """Move to a status, and write the record down."""
        now = time.time()
        with self._lock:
            steps: list[dict[str, Any]] = self.record["SecondaryStatusTransitions"]
            if steps:
                steps[-1]["EndTime"] = now
            message = _MESSAGES[secondary]
            steps.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
            self.record.update(fields)
            self.record["SecondaryStatus"], self.record["TrainingJobStatus"] = secondary, status
            self.record["LastModifiedTime"] = now
            if status in ENDED:
                steps[-1]["EndTime"] = now
            write_record(self.folder, self.record)
        if status in ENDED:
            self.ended.set()

    def stop(self) -> None:
        """Stop the job; one that has ended already cannot be."""
        if self.ended.is_set():
            raise invalid("The request was rejected because the training job is in a final state")
        self._stopping = True
        self.enter("Stopping", "Stopping")
        if self._entrypoint is not None:
            threading.Thread(target=self._entrypoint.stop, daemon=True).start()

    def run(self, settings: Settings) -> None:
        """Run the job to its end; whatever goes wrong becomes its failure reason."""
        try:
            self._run(settings)
        except (OSError, ValueError, S3_CLIENT_ERROR, S3_CONNECTION_ERROR) as error:
            self._fail(f"{type(error).__name__}: {error}")

    def _run(self, settings: Settings) -> None:
        request = self.record
        storage = Storage(request["RoleArn"], request["TrainingJobName"], settings.port)
        self.enter("Downloading")
        self._prepare(storage)
        started = time.time()
        self.enter("Training", TrainingStartTime=started)
        log = _Log(f"{request['TrainingJobName']}/algo-1")
        self._entrypoint = Entrypoint(
            process.command(request["AlgorithmSpecification"], self.folder),
            self.folder,
            process.environment(request, self.folder, settings, os.environ),
        )
        if self._stopping:  # stopped while the inputs came
            self._entrypoint.stop()
        limit = request["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
        outcome = self._entrypoint.wait(log.line, limit)
        seconds = max(1, round(time.time() - started))
        times = {
            "TrainingEndTime": time.time(),
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": seconds,
        }
        if outcome.exit_code and not self._stopping and not outcome.timed_out:
            self._fail(self._reason(outcome.exit_code), **times)
            return
        self._finish(storage, timed_out=outcome.timed_out, times=times)

    def _prepare(self, storage: Storage) -> None:
        for name in ("input/config", "input/data", "model", "output/data", "code"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        config = self.folder / "input" / "config"
        hyperparameters = self.record.get("HyperParameters") or {}
        (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        channels = self.record.get("InputDataConfig") or []
        described = {c["ChannelName"]: {"TrainingInputMode": "File"} for c in channels}
        (config / "inputdataconfig.json").write_text(json.dumps(described))
        for channel in channels:
            folder = self.folder / "input" / "data" / channel["ChannelName"]
            if not storage.fetch(channel, folder):
                uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
                raise ValueError(f"ClientError: no data at {uri}")

    def _finish(self, storage: Storage, *, timed_out: bool, times: dict[str, Any]) -> None:
        self.enter("Uploading", "Stopping" if self._stopping else "InProgress", **times)
        name, output = self.record["TrainingJobName"], self.record["OutputDataConfig"]
        uri = f"{output['S3OutputPath'].rstrip('/')}/{name}/output/model.tar.gz"
        model = self.folder / "model"
        artifacts: dict[str, Any] = {}
        if any(model.iterdir()):
            storage.store(model, self.folder / "model.tar.gz", uri)
            artifacts = {"ModelArtifacts": {"S3ModelArtifacts": uri}}
        if timed_out:
            self.enter("MaxRuntimeExceeded", "Stopped", **artifacts)
        elif self._stopping:
            self.enter("Stopped", "Stopped", **artifacts)
        else:
            self.enter("Completed", "Completed", **artifacts)
        self._discard()

    def _fail(self, reason: str, **times: Any) -> None:
        self.enter("Failed", "Failed", FailureReason=reason[:1024], **times)
        self._discard()

    def _reason(self, exit_code: int) -> str:
        failure = self.folder / "output" / "failure"
        text = failure.read_text(errors="replace")[:1024] if failure.is_file() else ""
        return text or f"AlgorithmError: the entrypoint ended with exit code {exit_code}"

    def _discard(self) -> None:
        """Drop what S3 and the log hold already; keep the record and the failure."""
        for name in ("input", "model", "code"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "model.tar.gz").unlink(missing_ok=True)


class Jobs:
    """Every job of this cloud, by name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._jobs = {job.record["TrainingJobName"]: job for job in _restore(settings.training)}

    def create(self, request: dict[str, Any], arn: str) -> Job:
        """Start a job; its name must be new."""
        validate(request)
        name = request["TrainingJobName"]
        now = time.time()
        record = {
            **request,
            "TrainingJobArn": arn,
            "CreationTime": now,
            "LastModifiedTime": now,
            "SecondaryStatusTransitions": [],
        }
        with self._lock:
            if name in self._jobs:
                raise ApiError(
                    "ResourceInUse",
                    f"Training job names must be unique within an AWS account: {arn}",
                )
            job = self._jobs[name] = Job(self._settings.training / name, record)
        job.enter("Starting")
        threading.Thread(target=job.run, args=(self._settings,), daemon=True, name=name).start()
        return job

    def get(self, name: str) -> Job:
        """Return a job by name."""
        try:
            return self._jobs[name]
        except KeyError:
            raise invalid("Requested resource not found.") from None

    def all(self) -> list[Job]:
        """Return every job, newest first."""
        return sorted(self._jobs.values(), key=lambda j: -float(j.record["CreationTime"]))


class _Log:
    """Write output lines to the job's log stream."""

    def __init__(self, stream: str) -> None:
        self._stream = stream

    def line(self, text: str) -> None:
        logs.write(LOG_GROUP, self._stream, [text])


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write a job's record so that a reader never sees half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "job.json.partial"
    partial.write_text(json.dumps(record))
    partial.replace(folder / "job.json")


def _restore(folder: Path) -> list[Job]:
    jobs = []
    for path in sorted(folder.glob("*/job.json")):
        job = Job(path.parent, json.loads(path.read_text()))
        if job.record["TrainingJobStatus"] in ENDED:
            job.ended.set()
        else:
            reason = "InternalServerError: the local cloud was stopped while the job ran"
            job.enter("Failed", "Failed", FailureReason=reason)
        jobs.append(job)
    return jobs
