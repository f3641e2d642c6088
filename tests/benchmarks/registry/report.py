"""The report: tables for the terminal, and everything that was measured as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.registry.growth import Cost, Medians
from tests.benchmarks.registry.sides import Pair
from tests.benchmarks.registry.workload import PHASES, Phase

_TROUBLE = ("conflicts", "lock waits", "gave up")  # ours per operation; of both sides
BOUND = 1.5  # how much slower `champion` may be with the most versions than with the fewest


@dataclass(frozen=True)
class Results:
    """One run."""

    started: datetime
    load: tuple[float, float, float]  # of the machine before it
    seconds_to_seed: float
    pairs: tuple[Pair, ...]
    costs: tuple[Cost, ...]
    medians: tuple[Medians, ...]

    def champion_growth(self) -> float:
        """Return how much the median time of `champion` grew, as the median over rounds."""
        grown = [found.growth() for found in self.medians if found.read == "champion"]
        return statistics.median(growth[max(growth)] for growth in grown)


def save(results: Results, file: Path) -> None:
    """Write everything as JSON."""
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "system": platform.system()}
    document = {**asdict(results), "machine": machine, "champion_growth": results.champion_growth()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")


def show(results: Results, console: Console) -> None:
    """Print the tables."""
    load = ", ".join(f"{one:.1f}" for one in results.load)
    when = results.started.astimezone(UTC).isoformat(timespec="minutes")
    console.print(f"{when}, {os.cpu_count()} CPUs, load before {load}")
    console.print(_rates(results.pairs))
    console.print(_costs(results.costs))
    console.print(_growth(results.medians))
    growth = results.champion_growth()
    verdict = "within" if growth < BOUND else "NOT within"
    console.print(f"champion grows {growth:.2f} times, {verdict} the bound of {BOUND} times")


def _rates(pairs: Sequence[Pair]) -> Table:
    table = Table(title="Operations per second: median (least..most) over rounds")
    for name in (*("models", "clients", "operation", "Tidegate", "MLflow", "ratio"), *_TROUBLE):
        table.add_column(name, no_wrap=True)
    for scene, clients in dict.fromkeys((pair.scene, pair.clients) for pair in pairs):
        here = [pair for pair in pairs if (pair.scene, pair.clients) == (scene, clients)]
        for phase in PHASES:
            ours, peer = ([side[phase] for side in sides] for sides in _sides(here))
            ratios = [one.rate / other.rate for one, other in zip(ours, peer, strict=True)]
            table.add_row(
                scene,
                str(clients),
                phase,
                _spread([one.rate for one in ours], ".1f"),
                _spread([one.rate for one in peer], ".1f"),
                _spread(ratios, ".2f"),
                _each(ours, lambda one: one.conflicts),
                _each(ours, lambda one: one.waits),
                f"{sum(one.failed for one in ours)} / {sum(one.failed for one in peer)}",
            )
    return table


def _sides(pairs: Iterable[Pair]) -> tuple[list[dict[str, Phase]], list[dict[str, Phase]]]:
    return [pair.ours for pair in pairs], [pair.peer for pair in pairs]


def _each(phases: Sequence[Phase], count: Callable[[Phase], int]) -> str:
    """Return a count of ours per operation done."""
    return f"{sum(map(count, phases)) / max(1, sum(one.done for one in phases)):.2f}"


def _costs(costs: Sequence[Cost]) -> Table:
    table = Table(
        title="One read: requests, items, and read units of DynamoDB (strongly consistent)"
    )
    for name in ("read", "versions", "events", "requests", "items", "read units"):
        table.add_column(name)
    for cost in sorted(costs, key=lambda cost: (cost.read, cost.versions)):
        table.add_row(
            cost.read,
            f"{cost.versions:,}",
            f"{cost.events:,}",
            " + ".join(f"{count} {name}" for name, count in cost.requests.items()),
            str(cost.items),
            f"{cost.units:g}",
        )
    return table


def _growth(medians: Sequence[Medians]) -> Table:
    table = Table(title="Median time of a read over that with the fewest versions")
    for name in ("read", "versions", "ms (this machine)", "times: median (least..most)"):
        table.add_column(name)
    for read in dict.fromkeys(found.read for found in medians):
        rounds = [found for found in medians if found.read == read]
        for size in sorted(rounds[0].seconds):
            table.add_row(
                read,
                f"{size:,}",
                _spread([one.seconds[size] * 1000 for one in rounds], ".2f"),
                _spread([one.growth()[size] for one in rounds], ".2f"),
            )
    return table


def _spread(values: Sequence[float], form: str) -> str:
    least, middle, most = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({least:{form}}..{most:{form}})"
