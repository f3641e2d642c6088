"""A cold start beside the bare minimum: `python -m tests.benchmarks.serving.start`."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stacks.bundling import Target, cached_layer, layer_size
from tests.benchmarks.serving import models
from tests.benchmarks.serving.environments import FOLDER
from tests.benchmarks.serving.start.measuring import TARGET, Start, Starts, measure, spread
from tests.benchmarks.serving.start.sides import LAMBDA

ARCHITECTURES = ("arm64", "x86_64")


def main() -> int:
    """Measure and print; return 1 when the start takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.serving.start")
    parser.add_argument("--model", choices=models.NAMES, default="small")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path, default=FOLDER / "start.json")
    asked = parser.parse_args()
    load = os.getloadavg()
    starts = measure(models.folder_of(asked.model, FOLDER / "models"), rounds=asked.rounds)
    show(starts, Console())
    sizes = layer_sizes()
    document = {**asdict(starts), "load": load, "layer_mb": sizes, "ratio": starts.ratio()}
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(document, indent=1) + "\n")
    Console().print(" · ".join(f"inference layer {name} {mb:.1f} MB" for name, mb in sizes.items()))
    return int(starts.ratio()[0] > TARGET)


def layer_sizes() -> dict[str, float]:
    """Return the size of the inference layer by architecture, unpacked, in MB of 1024 x 1024."""
    return {
        name: layer_size(cached_layer("inference", target=Target(name, LAMBDA))) / 1024**2
        for name in ARCHITECTURES
    }


def show(starts: Starts, console: Console) -> None:
    """Print a table: median (quartiles) of every figure, and the ratios."""
    title = (
        f"Start on Python {starts.python}, {len(starts.pairs)} pairs, load {os.getloadavg()[0]:.1f}"
    )
    table = Table(title=title)
    for name in ("", "init ms", "first answer ms", "CPU ms", "resident MB"):
        table.add_column(name, no_wrap=True)
    for side, found in (
        ("Tidegate", [p.ours for p in starts.pairs]),
        ("bare", [p.bare for p in starts.pairs]),
    ):
        table.add_row(side, *(_cell(found, name) for name in Start.__dataclass_fields__))
    console.print(table)
    wall, cpu = starts.ratio(), starts.cpu_ratio()
    console.print(
        f"first answer: {_text(wall, '.2f')} times the bare minimum; at most {TARGET} is asked"
    )
    console.print(f"CPU time: {_text(cpu, '.2f')} times")


def _cell(starts: list[Start], name: str) -> str:
    return _text(spread([getattr(one, name) for one in starts]), ".0f")


def _text(found: tuple[float, float, float], form: str) -> str:
    middle, low, high = (format(value, form) for value in found)
    return f"{middle} ({low}..{high})"


if __name__ == "__main__":
    raise SystemExit(main())
