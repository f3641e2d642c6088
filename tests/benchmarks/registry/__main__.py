"""Benchmark of the registry, with a peer beside it: `make bench WHAT=registry`.

seed -> costs of reads -> their growth -> rates of both sides in turns -> tables and JSON
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.benchmarks import environments
from tests.benchmarks.registry import emulator, growth, peer, report, seeding, sides
from tests.benchmarks.registry.meter import Meter
from tidegate.aws.registry_table import RegistryTable
from tidegate.registry.reading import Reading

FOLDER = sides.ROOT / ".tidegate" / "bench"
_WIDTH = 130  # characters that the widest table takes


def main() -> int:
    """Run what the arguments ask for; return 1 when `champion` grows beyond its bound."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers end with it
    console = Console(width=max(_WIDTH, Console().width))
    started, load = datetime.now(UTC), os.getloadavg()
    python = environments.install(peer.LOCK, FOLDER / "peer")
    seeds, seconds = _seeds(asked.versions, console)
    with emulator.running(FOLDER) as url:
        costs, medians = _reads(url, seeds, asked, console)
    with emulator.running(FOLDER) as url:  # a new one: rates are not those of a full table
        pairs = _rates(url, python, asked, console)
    results = report.Results(started, load, seconds, pairs, costs, medians)
    report.show(results, console)
    report.save(results, asked.json)
    console.print(f"everything measured: {asked.json}")
    return int(results.champion_growth() >= report.BOUND)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.registry")
    parser.add_argument("--versions", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--operations", type=int, default=64, help="of each kind, in one round")
    parser.add_argument("--calls", type=int, default=100, help="of a read, in one round")
    parser.add_argument("--json", type=Path, default=FOLDER / "registry.json")
    return parser.parse_args()


def _seeds(versions: list[int], console: Console) -> tuple[tuple[seeding.Seed, ...], float]:
    start = time.monotonic()
    found = []
    for number in sorted(versions):
        found.append(seeding.seed_of(number, FOLDER / "seeds"))
        console.print(f"  seed     {number:,} versions, {len(found[-1].events):,} events")
    return tuple(found), time.monotonic() - start


def _reads(
    url: str, seeds: tuple[seeding.Seed, ...], asked: argparse.Namespace, console: Console
) -> tuple[tuple[growth.Cost, ...], tuple[growth.Medians, ...]]:
    dynamodb, meter = emulator.client(url, "dynamodb"), Meter()
    meter.listen(dynamodb)
    metered = Reading(RegistryTable(dynamodb, table=emulator.TABLE))
    plain = Reading(RegistryTable(emulator.client(url, "dynamodb"), table=emulator.TABLE))
    for seed in seeds:
        seeding.write(seed, dynamodb, emulator.TABLE)
        growth.check(plain, seed)
        console.print(f"  check    {seed.model}: {len(seed.items):,} rows are what was committed")
    costs = tuple(growth.costs(metered, meter, seeds))
    console.print("  reads    sizes side by side")
    gc.freeze()  # what was seeded is not walked by the garbage collector in a timed read
    return costs, tuple(growth.medians(plain, seeds, rounds=asked.rounds, calls=asked.calls))


def _rates(
    url: str, python: Path, asked: argparse.Namespace, console: Console
) -> tuple[sides.Pair, ...]:
    with ExitStack() as stack:
        peer_url = stack.enter_context(peer.running(python, FOLDER))
        both = {
            "ours": stack.enter_context(sides.side("ours", Path(sys.executable), url)),
            "peer": stack.enter_context(sides.side("peer", python, peer_url)),
        }
        pairs = []
        for pair in sides.rounds(
            both, clients=tuple(asked.clients), rounds=asked.rounds, operations=asked.operations
        ):
            pairs.append(pair)
            console.print(
                f"  rates    round {pair.round + 1}: {pair.clients} clients, {pair.scene}"
            )
    return tuple(pairs)


if __name__ == "__main__":
    sys.exit(main())
