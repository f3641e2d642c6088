"""A training once more, on this machine: recorded bytes -> a job in a scratch folder -> a package.

code by digest, data by key, version and SHA-256  -> a folder as SageMaker lays it out
the launcher of training jobs in that folder      -> the environment's lock, then the job

Nothing is registered, and the folder is the caller's to remove. What stays is the cache of
training environments, which the local cloud's jobs share.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tidegate.errors import NotFoundError, PackageError, TrainingFailedError
from tidegate.package import keys
from tidegate.package.archive import Package, open_package
from tidegate.package.code_archive import read_code
from tidegate.package.inputs import environment_from_text
from tidegate.package.manifest import MODEL
from tidegate.package.whole import joined, whole
from tidegate.project import Project
from tidegate.registry.values import DataFile, Version
from tidegate.training.determinism import VARIABLES
from tidegate.training.reproduction import recorded_files, request_again
from tidegate_cli.cloud import Cloud
from tidegate_cli.faults import MissingError
from tidegate_cli.local.extension.sagemaker import process
from tidegate_cli.local.extension.settings import Settings
from tidegate_cli.local.interpreter import choose, find_uv
from tidegate_cli.local.state import Folder

RUN = "reproduction"
ENVIRONMENT_MINUTES = 20
# A job starts from the machine's variables, less those that point Python elsewhere.
LEFT_OUT = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
Log = Callable[[str], None]


@dataclass(frozen=True)
class Recorded:
    """What is recorded of a version: enough to train it again."""

    version: Version
    package: Package
    project: Project
    files: tuple[DataFile, ...]

    @property
    def name(self) -> str:
        """Model and number."""
        return f"{self.version.model}@{self.version.number}"


def recorded(cloud: Cloud, model: str, number: int) -> Recorded:
    """Read what is recorded of a version; raise when its parts don't agree."""
    version = cloud.registry.version(model, number)
    data = cloud.artifacts.get(keys.package_file(model, version.package_digest))
    package = whole(open_package(data, digest=version.package_digest), cloud.artifacts)
    files = recorded_files(version, package, cloud.registry.inputs(model, number))
    key = keys.project_file(model, version.lineage.code_digest)
    project = Project.from_json(cloud.artifacts.get(key))
    if project.contract.digest != version.contract_digest:
        raise MissingError(f"{key} declares another contract than {model}@{number} was made for")
    return Recorded(version, package, project, tuple(files))


def lay_out(folder: Path, cloud: Cloud, wanted: Recorded, *, log: Log) -> None:
    """Write a job's channels; raise `MissingError` naming a key that isn't what it was."""
    channels = folder / "input" / "data"
    model, digest = wanted.version.model, wanted.version.lineage.code_digest
    _write(channels / "code" / "code.zip", _archive(cloud, model, digest))
    _write(channels / "code" / "project.json", wanted.project.to_json())
    request = request_again(wanted.package, wanted.files, run=RUN)
    _write(channels / "request" / "request.json", request.to_json())
    for file in wanted.files:
        log(file.key)
        _write(channels / "data" / file.key, _data(cloud, file))
    # A copy: nothing is written to the checkout, and what is edited meanwhile is not in it.
    framework = cloud.root / "layers" / "core" / "python"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(framework, channels / "framework" / "python", ignore=ignored)


@dataclass(frozen=True)
class Job:
    """A training job of this machine in a folder that was laid out."""

    folder: Path
    command: tuple[str, ...]
    variables: dict[str, str]

    def environment(self, *, log: Log) -> tuple[str, ...]:
        """Return the lines of the environment that the job will have, which is made if need be."""
        file = self.folder / "environment.txt"
        self._run(("--environment", str(file)), minutes=ENVIRONMENT_MINUTES, log=log)
        return environment_from_text(file.read_bytes())

    def train(self, *, minutes: int, log: Log) -> Package:
        """Train; return the package, or raise `TrainingFailedError` with the job's own reason."""
        self._run((), minutes=minutes, log=log)
        output = self.folder / "model"
        data = (output / "package.zip").read_bytes()
        package = open_package(data, digest=hashlib.sha256(data).hexdigest())
        return joined(package, (output / MODEL).read_bytes()) if package.pointer else package

    def _run(self, arguments: Iterable[str], *, minutes: int, log: Log) -> None:
        command = [*self.command, *arguments]
        entrypoint = process.Entrypoint(command, self.folder, self.variables)
        try:
            outcome = entrypoint.wait(log, minutes * 60)
        except BaseException:  # Ctrl-C goes to this process alone: the job is a group of its own
            entrypoint.stop()
            raise
        if outcome.timed_out:
            raise TrainingFailedError(f"the training took more than {minutes} minutes")
        if outcome.exit_code:
            failure = self.folder / "output" / "failure"
            reason = failure.read_text(errors="replace") if failure.is_file() else ""
            raise TrainingFailedError(reason or f"the job ended with exit code {outcome.exit_code}")


def job_in(folder: Path, root: Path) -> Job:
    """Return the job of a folder that was laid out, run as the local cloud runs one."""
    uv = find_uv()
    python = _base(choose(uv).path)
    settings = Settings(Folder.of(root).path, port=0, uv_folder=str(uv.parent) if uv else "")
    inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    request = {"TrainingJobName": RUN, "Environment": VARIABLES}
    variables = process.environment(request, folder, settings, inherited)
    framework = folder / "input" / "data" / "framework" / "python"
    return Job(folder, (python, str(framework)), variables)


def _base(python: Path) -> str:
    """Return the interpreter that a virtual environment was made of, or the one given."""
    asked = "import sys; print(sys._base_executable)"
    command = [str(python), "-I", "-c", asked]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _archive(cloud: Cloud, model: str, digest: str) -> bytes:
    key = keys.code_archive(model, digest)
    data = cloud.artifacts.get(key)
    try:
        read_code(data, digest=digest)
    except PackageError as error:
        raise MissingError(f"{key}: {error}") from error
    return data


def _data(cloud: Cloud, file: DataFile) -> bytes:
    what = f"{file.key} (version {file.version_id or 'null'})"
    try:
        data = cloud.artifacts.get(file.key, version_id=file.version_id)
    except NotFoundError as error:
        bucket = cloud.settings.artifacts_bucket
        hint = f"aws s3api list-object-versions --bucket {bucket} --prefix {file.key}"
        raise MissingError(f"{what} is gone: the exact data is not there", hint=hint) from error
    found = hashlib.sha256(data).hexdigest()
    if found != file.checksum:
        raise MissingError(f"{what} holds other bytes: SHA-256 {found}, recorded {file.checksum}")
    return data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
