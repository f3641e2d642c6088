"""Benchmark of serving, with peers beside it: `make bench WHAT=serving`.

models -> handler beside the limit -> memory -> over HTTP beside each peer -> tables, JSON -> start
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.benchmarks.serving import (
    environments,
    in_process,
    memory,
    models,
    over_http,
    payloads,
    report,
    servers,
)
from tests.benchmarks.serving.environments import FOLDER, ROOT

_WIDTH = 150  # characters that the widest table takes
_PARTS = ("limit", "memory", "http", "start")
_KINDS = {kind.name: kind for kind in (servers.YARDSTICK, *servers.PEERS)}


def main() -> int:
    """Run what the arguments ask for; return 1 when something promised was not found."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers end with it
    console = Console(width=max(_WIDTH, Console().width))
    started, load = datetime.now(UTC), os.getloadavg()
    packages = [models.folder_of(name, FOLDER / "models") for name in asked.models]
    cells = _limit(packages, asked, console) if "limit" in asked.parts else ()
    resident = _memory(packages) if "memory" in asked.parts else ()
    http = _http(asked, console) if "http" in asked.parts else over_http.Compared()
    results = report.Results(started, load, os.getloadavg(), cells, http, resident)
    report.show(results, console)
    report.save(results, asked.json)
    console.print(f"everything measured: {asked.json}")
    slow = "start" in asked.parts and _start()
    return int(slow or bool(results.missed()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving")
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--models", nargs="+", choices=models.NAMES, default=models.NAMES)
    parser.add_argument("--forms", nargs="+", choices=payloads.FORMS, default=payloads.FORMS)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 100, 1_000], help="of the limit")
    parser.add_argument("--rounds", type=int, default=6, help="of each payload beside the limit")
    parser.add_argument("--seconds", type=float, default=1.5, help="of one such round")
    parser.add_argument("--peers", nargs="+", choices=_KINDS, default=list(_KINDS))
    parser.add_argument("--http-models", nargs="+", choices=models.NAMES, default=["small"])
    parser.add_argument("--http-rows", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--http-rounds", type=int, default=5)
    parser.add_argument("--http-seconds", type=float, default=2.0, help="of one side of one pair")
    parser.add_argument("--json", type=Path, default=FOLDER.parent / "serving.json")
    return parser.parse_args()


def _limit(
    packages: list[Path], asked: argparse.Namespace, console: Console
) -> tuple[in_process.Cell, ...]:
    plan = in_process.Plan(tuple(asked.forms), tuple(asked.rows), asked.rounds, asked.seconds)
    cells: tuple[in_process.Cell, ...] = ()
    for package in packages:
        cells += in_process.measure(package, plan)
        console.print(f"  limit    {package.name}")
    return cells


def _start() -> bool:
    """Measure the start and the layers, which have tables and targets of their own."""
    command = [sys.executable, "-m", "tests.benchmarks.serving.start"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode != 0


def _memory(packages: list[Path]) -> tuple[memory.Resident, ...]:
    return tuple(memory.measure(package, what) for package in packages for what in memory.WHATS)


def _http(asked: argparse.Namespace, console: Console) -> over_http.Compared:
    kinds = [_KINDS[name] for name in asked.peers]
    for name in dict.fromkeys(kind.environment for kind in (servers.OURS, *kinds)):
        console.print(f"  install  {name}")
        environments.install(name)
    plan = over_http.Plan(
        tuple(asked.http_rows), tuple(asked.clients), asked.http_rounds, asked.http_seconds
    )
    found = over_http.Compared()
    for name in asked.http_models:
        package = models.folder_of(name, FOLDER / "models")
        found += over_http.compare(
            package, kinds, plan, lambda text: console.print(f"  http     {text}")
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
