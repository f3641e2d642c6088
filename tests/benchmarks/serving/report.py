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

from tests.benchmarks.serving.in_process import Cell
from tests.benchmarks.serving.load import Load
from tests.benchmarks.serving.memory import Resident
from tests.benchmarks.serving.over_http import Compared, Pair
from tests.benchmarks.serving.servers import YARDSTICK

MOST_OVER = 40.0  # microseconds that the handler may take beyond the limit at one row
MOST_TIMES = {100: 1.25, 1_000: 1.15}  # the limit's time, by rows
_MEGABYTE = 1e6
Measure = Callable[[Load], float]
_BETTER: dict[str, Callable[[Pair], float]] = {  # above 1 ours is ahead
    "p50": lambda pair: pair.theirs.p50 / pair.ours.p50,
    "p99": lambda pair: pair.theirs.p99 / pair.ours.p99,
    "throughput": lambda pair: pair.ours.rate / pair.theirs.rate,
}


@dataclass(frozen=True)
class Results:
    """One run."""

    started: datetime
    load: tuple[float, float, float]  # of the machine before it
    load_after: tuple[float, float, float]
    cells: tuple[Cell, ...]
    http: Compared
    resident: tuple[Resident, ...]

    def missed(self) -> list[str]:
        """Return what was promised and not found."""
        return [*_missed_cells(self.cells), *_missed_pairs(self.http.pairs), *self.http.absent]


def save(results: Results, file: Path) -> None:
    """Write everything as JSON."""
    machine = {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    document = {**asdict(results), "machine": machine, "missed": results.missed()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")


def show(results: Results, console: Console) -> None:
    """Print the tables of what was measured."""
    before, after = (
        ", ".join(f"{one:.1f}" for one in load) for load in (results.load, results.load_after)
    )
    when = results.started.astimezone(UTC).isoformat(timespec="minutes")
    console.print(f"{when}, {os.cpu_count()} CPUs, load before {before}, after {after}")
    if results.cells:
        console.print(_in_process(results.cells))
    for model in dict.fromkeys(pair.model for pair in results.http.pairs):
        console.print(_over_http([pair for pair in results.http.pairs if pair.model == model]))
    if results.resident or results.http.memory:
        console.print(_memory(results))
    missed = results.missed()
    console.print("\n".join(f"missed: {line}" for line in missed) or "nothing promised was missed")


def verdict(cell: Cell) -> tuple[float, float]:
    """Return what was found and what is the most that was promised: microseconds, or times.

    Times are the median of the rounds' ratios. Microseconds are these times of the limit's quickest
    round: what disturbs both sides leaves ratios as they are, and makes differences larger.
    """
    if cell.rows in MOST_TIMES:
        return statistics.median(_times(cell)), MOST_TIMES[cell.rows]
    return _over_at_best(cell), MOST_OVER


def _missed_cells(cells: Iterable[Cell]) -> Iterable[str]:
    for cell in cells:
        name = f"{cell.model}, {cell.rows:,} rows, {cell.form}"
        if cell.refused:
            yield f"{name}: {cell.refused}"
        elif cell.rows == 1 or cell.rows in MOST_TIMES:
            found, most = verdict(cell)
            if found > most:
                unit = "times the limit" if cell.rows in MOST_TIMES else "µs over the limit"
                yield f"{name}: {found:.2f} {unit}, not {most:g}"


def _missed_pairs(pairs: Sequence[Pair]) -> Iterable[str]:
    for group in _groups(pair for pair in pairs if pair.other != YARDSTICK.name):
        first = group[0]
        refused = sum(pair.ours.refused + pair.theirs.refused for pair in group)
        name = f"{first.model}, {first.other}, {first.rows} rows, {first.clients} clients"
        if refused:
            yield f"{name}: {refused} requests were refused"
        for measure, ratio in _BETTER.items():
            found = statistics.median(map(ratio, group))
            if found <= 1:
                yield f"{name}: {measure} {found:.2f} times as good, not ahead"


def _in_process(cells: Sequence[Cell]) -> Table:
    table = Table(
        title="One process, µs on the CPU per call; ratios: median (least..most) over rounds"
    )
    for name in ("model", "rows", "form", "KB", "session", "limit", "handler"):
        table.add_column(name, no_wrap=True)
    for name in ("over, µs", "at best", "times", "times, mean", "with own readers", ""):
        table.add_column(name, no_wrap=True)
    for cell in cells:
        head = (cell.model, f"{cell.rows:,}", cell.form, f"{cell.body_bytes / 1000:.1f}")
        if cell.refused:
            table.add_row(*head, "", "", cell.refused[:40])
            continue
        found, most = verdict(cell)
        table.add_row(
            *head,
            f"{cell.session:,.0f}",
            f"{statistics.median(one.limit for one in cell.rounds):,.0f}",
            f"{statistics.median(one.handler for one in cell.rounds):,.0f}",
            _spread(_over(cell), ",.0f"),
            f"{_over_at_best(cell):,.0f}",
            _spread(_times(cell), ".2f"),
            _spread([one.handler_mean / one.limit_mean for one in cell.rounds], ".2f"),
            _spread([one.handler / one.readers for one in cell.rounds if one.readers], ".2f"),
            "met" if found <= most else "missed",
        )
    return table


def _over_http(pairs: Sequence[Pair]) -> Table:
    title = f"{pairs[0].model}: over HTTP, ms; how many times as good ours is: median (least..most)"
    table = Table(title=title)
    for name in ("beside", "rows", "clients", "p50", "ours", *_BETTER, "CPU"):
        table.add_column(name, no_wrap=True)
    for group in _groups(pairs):
        first = group[0]
        table.add_row(
            first.other,
            str(first.rows),
            str(first.clients),
            f"{statistics.median(pair.theirs.p50 for pair in group) * 1000:.3f}",
            f"{statistics.median(pair.ours.p50 for pair in group) * 1000:.3f}",
            *(_spread(list(map(ratio, group)), ".3g") for ratio in _BETTER.values()),
            _spread([pair.their_cpu / pair.our_cpu for pair in group], ".3g"),
        )
    return table


def _memory(results: Results) -> Table:
    table = Table(title="Memory of a warm process, MB: RSS in one process, PSS of a server's all")
    for name in ("model", "what", "now", "most"):
        table.add_column(name)
    for one in results.resident:
        table.add_row(one.model, one.what, _megabytes(one.now), _megabytes(one.most))
    for model, name in dict.fromkeys((one.model, one.server) for one in results.http.memory):
        found = [
            one.proportional
            for one in results.http.memory
            if (one.model, one.server) == (model, name)
        ]
        table.add_row(model, f"{name}, server", _megabytes(statistics.median(found)), "")
    return table


def _groups(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Return pairs that differ in their round only."""
    groups: dict[tuple[str, str, int, int], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.model, pair.other, pair.rows, pair.clients), []).append(pair)
    return list(groups.values())


def _over(cell: Cell) -> list[float]:
    return [one.handler - one.limit for one in cell.rounds]


def _over_at_best(cell: Cell) -> float:
    return (statistics.median(_times(cell)) - 1) * min(one.limit for one in cell.rounds)


def _times(cell: Cell) -> list[float]:
    return [one.handler / one.limit for one in cell.rounds]


def _megabytes(size: float) -> str:
    return f"{size / _MEGABYTE:.0f}"


def _spread(values: Sequence[float], form: str) -> str:
    if not values:
        return ""
    least, middle, most = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({least:{form}}..{most:{form}})"
