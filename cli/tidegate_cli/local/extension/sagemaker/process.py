"""Process: run a job's entrypoint in a process group of its own, and stop the whole group.

`/opt/ml` exists once per machine and needs root, so every mention of it in the command points to
the job's folder instead; the launcher reads that folder from `TIDEGATE_ML_ROOT`.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..settings import Settings

GRACE_SECONDS = 10.0
_ML_ROOT = re.compile(r"(?<![\w/])/opt/ml(?=/|$|[\s'\":;])")
_PYTHON = re.compile(r"(?:.*/)?python(?:3(?:\.\d+)?)?")


@dataclass(frozen=True)
class Outcome:
    """How a process ended."""

    exit_code: int
    timed_out: bool


class Entrypoint:
    """The running process of a job."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,  # a group to signal, in the server's session so that `down` finds it
        )

    def wait(self, log: Callable[[str], None], seconds: float) -> Outcome:
        """Pass output lines on until the process ends or its time is up."""
        pump = threading.Thread(target=_pump, args=(self._process.stdout, log), daemon=True)
        pump.start()
        try:
            self._process.wait(seconds)
            timed_out = False
        except subprocess.TimeoutExpired:
            timed_out = True
            self.stop()
        self._signal(signal.SIGKILL)  # what the entrypoint left behind
        pump.join(5)
        return Outcome(self._process.wait(), timed_out)

    def stop(self) -> None:
        """Ask the group to end, and end it when it does not."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # the group is gone (macOS says EPERM for a group of zombies)


def _pump(output: IO[str] | None, log: Callable[[str], None]) -> None:
    with output or nullcontext(()) as lines:
        for line in lines:
            log(line.rstrip("\n"))


def command(algorithm: Mapping[str, Any], folder: Path) -> list[str]:
    """Give the command of a job with `/opt/ml` and `python` resolved to what exists here."""
    words = [
        *algorithm["ContainerEntrypoint"],
        *(algorithm.get("ContainerArguments") or []),
    ]
    resolved = [_ML_ROOT.sub(str(folder), word) for word in words]
    if _PYTHON.fullmatch(resolved[0]):
        resolved[0] = sys._base_executable  # type: ignore[attr-defined]
    return resolved


def environment(
    request: Mapping[str, Any], folder: Path, settings: Settings, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Give a job its environment: package-index settings of the machine, no AWS credentials."""
    kept = {k: v for k, v in inherited.items() if not k.startswith(("AWS_", "MINISTACK_"))}
    for name in ("AUTH", "GATEWAY_PORT", "SFN_WAIT_SCALE", "PERSIST_STATE", "STATE_DIR"):
        kept.pop(name, None)
    binaries = [settings.uv_folder, str(Path(sys._base_executable).parent)]  # type: ignore[attr-defined]
    path = os.pathsep.join([*filter(None, binaries), kept.get("PATH", os.defpath)])
    return {
        **kept,
        **(request.get("Environment") or {}),
        "PATH": path,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "PYTHONUNBUFFERED": "1",
        "TIDEGATE_ENVIRONMENTS": str(settings.environments),
        "TIDEGATE_ML_ROOT": str(folder),
        "TRAINING_JOB_NAME": str(request["TrainingJobName"]),
    }
