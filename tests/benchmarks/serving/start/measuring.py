"""Start a function in a fresh interpreter, hand it one event, and take the time to its answer."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.serving.start import sides
from tests.benchmarks.serving.start.runtime_api import serving

TARGET = 1.15  # times the bare minimum
_PATIENCE = 60.0  # seconds
_UNCOUNTED = 2  # rounds before: files come into the page cache


@dataclass(frozen=True)
class Start:
    """One start, in milliseconds since the process was begun; `cpu_ms` until it was ended."""

    init_ms: float  # to the first request for an event
    answer_ms: float  # to the first answer
    cpu_ms: float
    resident_mb: float  # after the first answer


@dataclass(frozen=True)
class Pair:
    """One round: both sides, one after the other, in alternating order."""

    ours: Start
    bare: Start

    @property
    def ratio(self) -> float:
        """How much longer we take to the first answer."""
        return self.ours.answer_ms / self.bare.answer_ms

    @property
    def cpu_ratio(self) -> float:
        """How much more CPU time we take; another program's load moves it less."""
        return self.ours.cpu_ms / self.bare.cpu_ms


@dataclass(frozen=True)
class Starts:
    """Every round, and the sizes of our layers by architecture (MB of 1024 x 1024 bytes)."""

    pairs: tuple[Pair, ...]
    python: str

    def ratio(self) -> tuple[float, float, float]:
        """Return median and quartiles of `Pair.ratio`."""
        return spread([pair.ratio for pair in self.pairs])

    def cpu_ratio(self) -> tuple[float, float, float]:
        """Return median and quartiles of `Pair.cpu_ratio`."""
        return spread([pair.cpu_ratio for pair in self.pairs])


def measure(package: Path, *, rounds: int = 30) -> Starts:
    """Start both sides in turns on the unpacked `package`; raise `RuntimeError` if one fails."""
    ours, bare, event = sides.ours(package), sides.bare(package), sides.event(package)
    pairs = []
    for i in range(_UNCOUNTED + rounds):
        order = (ours, bare) if i % 2 else (bare, ours)
        found = {side.name: start(side, event) for side in order}
        pairs.append(Pair(found[ours.name], found[bare.name]))
    return Starts(tuple(pairs[_UNCOUNTED:]), sides.target().python)


def start(side: sides.Side, event: Mapping[str, Any]) -> Start:
    """Start one side, wait for its first answer, and end it."""
    with serving(event) as api, tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [side.python, "-m", "awslambdaric", side.handler],
            env=side.variables(api.place),
            cwd=side.environment["LAMBDA_TASK_ROOT"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        answered = api.seen.done.wait(_PATIENCE)
        resident = _resident_mb(process.pid) if answered else 0.0
        process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seen = api.seen
        if seen.fault or seen.answer.get("statusCode") != 200:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{side.name}: {seen.fault or seen.answer or 'no answer'}\n{said}")
    return Start(
        (seen.asked - begun) * 1000,
        (seen.answered - begun) * 1000,
        (used.ru_utime + used.ru_stime) * 1000,
        resident,
    )


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return median, lower and upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4)
    return middle, low, high


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
