"""Session options side by side: `python -m tests.benchmarks.serving.start.options`.

Each choice is measured in processes of its own, in turns. What `OnnxSession` sets follows from it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.serving import models
from tests.benchmarks.serving.environments import FOLDER, ROOT

CHOICES: dict[str, dict[str, int]] = {
    "as deployed": {},
    "2 threads": {"threads": 2},
    "no arena": {"arena": 0},
    "no memory pattern": {"pattern": 0},
    "basic optimization": {"optimization": 1},
    "no optimization": {"optimization": 0},
}
ROWS = (1, 100, 1_000)


@dataclass(frozen=True)
class Measured:
    """Milliseconds to load, microseconds per run by rows, and resident MB after the runs."""

    load_ms: float
    run_us: Mapping[str, float]
    resident_mb: float


def main() -> None:
    """Measure every choice in turns and print medians; or, with `--one`, one choice here."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=models.NAMES, default="small")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one")
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(asdict(_measure(asked.file, CHOICES[asked.one]))))
        return
    file = models.folder_of(asked.model, FOLDER / "models") / "model.onnx"
    found: dict[str, list[Measured]] = {name: [] for name in CHOICES}
    for _ in range(asked.rounds):
        for name in CHOICES:
            found[name].append(_elsewhere(name, file))
    _show(asked.model, found)


def _elsewhere(name: str, file: Path) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.serving.start.options", "--one", name]
    said = subprocess.run(
        [*command, "--file", str(file)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return Measured(**json.loads(said.stdout))


def _measure(file: Path, choice: Mapping[str, int]) -> Measured:
    import numpy as np

    from tidegate.scoring import onnx_session
    from tidegate.scoring.ort_api import OrtApi, Owned, ort_api

    plain = onnx_session._options

    def changed(ort: OrtApi, threads: int) -> Owned:
        options = plain(ort, choice.get("threads", threads))
        if choice.get("arena") == 0:
            ort.call("DisableCpuMemArena", options.pointer)
        if choice.get("pattern") == 0:
            ort.call("DisableMemPattern", options.pointer)
        if "optimization" in choice:
            ort.call("SetSessionGraphOptimizationLevel", options.pointer, choice["optimization"])
        return options

    onnx_session._options = changed
    ort_api()
    model = file.read_bytes()
    begun = time.perf_counter()
    session = onnx_session.OnnxSession(model)
    load = (time.perf_counter() - begun) * 1000
    times = {}
    for rows in ROWS:
        features = np.random.default_rng(0).normal(size=(rows, session.columns))
        times[str(rows)] = _best(session, features.astype(np.float32))
    statm = Path("/proc/self/statm").read_text().split()
    return Measured(load, times, int(statm[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2)


def _best(session: object, features: object) -> float:
    run, taken = session.run, []  # type: ignore[attr-defined]
    for _ in range(200 if len(features) < 1_000 else 20):  # type: ignore[arg-type]
        begun = time.perf_counter()
        run(features)
        taken.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(taken)


def _show(model: str, found: Mapping[str, list[Measured]]) -> None:
    table = Table(title=f"Session options, {model} model, load {os.getloadavg()[0]:.1f}: medians")
    for name in ("", "load ms", *(f"{rows} rows µs" for rows in ROWS), "resident MB"):
        table.add_column(name, no_wrap=True)
    for name, each in found.items():
        middle = statistics.median
        runs = (f"{middle(one.run_us[str(rows)] for one in each):.0f}" for rows in ROWS)
        load, resident = (
            middle(getattr(m, key) for m in each) for key in ("load_ms", "resident_mb")
        )
        table.add_row(name, f"{load:.1f}", *runs, f"{resident:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
