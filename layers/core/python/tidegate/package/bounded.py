"""A session whose every run is a subprocess with limits, for models that may hang or eat memory.

The child gets no credentials, an empty folder, bounded memory and CPU time; our clock ends it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np

from tidegate.errors import IntakeError
from tidegate.scoring.session import Matrix

CHILD = "tidegate.package.sandbox"
PASSED_ON = ("LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")  # what an interpreter may need to start


@dataclass(frozen=True)
class Limits:
    """What one bounded run may use; memory is counted beside the libraries'."""

    memory_mb: int = 1024
    cpu_seconds: int = 20
    wall_seconds: float = 30.0


DEFAULT_LIMITS = Limits()


class BoundedSession:
    """Implements `Session`; nothing of the model is loaded in this process."""

    def __init__(self, model: bytes, *, limits: Limits = DEFAULT_LIMITS) -> None:
        """Keep the model for the runs."""
        self._model, self._limits = model, limits
        self.peak_mb = 0  # MiB that the last run's whole process had in memory at once

    def run(self, features: Matrix) -> Matrix:
        """Return scores; raise `IntakeError` when the model breaks, hangs or eats too much."""
        rows, columns = features.shape
        header = {**asdict(self._limits), "model": len(self._model), "rows": rows}
        matrix = np.ascontiguousarray(features, dtype=np.float32)
        # A file and not a pipe: a large model is not held in memory once more.
        with tempfile.TemporaryFile() as request:
            request.write(json.dumps({**header, "columns": columns}).encode() + b"\n")
            request.write(self._model)
            request.write(matrix.tobytes())
            request.seek(0)
            answer, scores = _read(self._call(request))
        self.peak_mb = int(answer["peak_mb"])
        if len(scores) != rows:
            raise IntakeError(f"the model answers {len(scores)} rows to {rows}")
        return scores

    def _call(self, request: IO[bytes]) -> bytes:
        limits = self._limits
        with tempfile.TemporaryDirectory() as empty:
            try:
                child = subprocess.run(
                    [sys.executable, "-P", "-B", "-m", CHILD],
                    stdin=request,
                    capture_output=True,
                    timeout=limits.wall_seconds,
                    cwd=empty,
                    env=_environment(),
                    check=False,
                )
            except subprocess.TimeoutExpired:
                text = f"the model did not answer within {limits.wall_seconds:g} s"
                raise IntakeError(text) from None
        if child.returncode < 0:
            raise IntakeError(_ended_by_signal(-child.returncode, limits))
        if child.returncode:
            last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise IntakeError(f"the model's run failed: {' '.join(last)[:300]}")
        return child.stdout


def _read(answer: bytes) -> tuple[dict[str, Any], Matrix]:
    line, _, body = answer.partition(b"\n")
    header: dict[str, Any] = json.loads(line or b'{"error": "no answer"}')
    if "error" in header:
        raise IntakeError(f"the model's run failed: {header['error']}")
    return header, np.frombuffer(body, dtype=np.float32).reshape(header["shape"]).copy()


def _environment() -> dict[str, str]:
    """Return the child's whole environment: where the libraries are, and no credentials."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**passed, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _ended_by_signal(number: int, limits: Limits) -> str:
    name = signal.Signals(number).name
    if name in ("SIGXCPU", "SIGKILL"):
        return f"the model used more than {limits.cpu_seconds} s of CPU time ({name})"
    return f"the model ended its process ({name}); {limits.memory_mb} MB of memory were allowed"
