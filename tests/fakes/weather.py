"""A model of ferries: training data of days that differ, and windows drawn like them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from tidegate.contract import MISSING, UNKNOWN, Column, Contract, Target
from tidegate.windows.binning import count, make_bins, score_bins, summarize
from tidegate.windows.distance import column_distance
from tidegate.windows.values import Bins, ColumnReference, Reference, Window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY_ROWS = 400
HARBOURS = ("north", "south", "west", MISSING, UNKNOWN)
COLUMNS = (
    Column("wind", "float", nullable=True),
    Column("gust", "float", nullable=True),
    Column("hour", "integer"),
    Column("harbour", "category", categories=HARBOURS[:3], nullable=True, unknown="map"),
    Column("holiday", "boolean"),
    Column("fleet", "integer"),
)
CONTRACT = Contract(
    model="ferry-delay", task="binary", columns=COLUMNS, target=Target("late", ("no", "yes"))
)
Frame = dict[str, np.ndarray]


def day(rng: np.random.Generator, rows: int = DAY_ROWS, *, autocorrelated: bool = True) -> Frame:
    """Draw one day: wind depends on it, gusts are measured on some only, the fleet is constant."""
    weather = rng.normal() if autocorrelated else 0.0
    calm = autocorrelated and rng.random() < 0.3
    wind = 10 + weather + rng.normal(0, 2, rows)
    return {
        "wind": np.where(rng.random(rows) < 0.05, np.nan, wind),
        "gust": np.full(rows, np.nan) if calm else wind + 5,
        "hour": rng.integers(6, 22, rows).astype(float),
        "harbour": rng.choice(3, rows, p=[0.5, 0.3, 0.2]).astype(float),
        "holiday": (rng.random(rows) < 0.4).astype(float),
        "fleet": np.full(rows, 7.0),
        "(score)": 1 / (1 + np.exp(-(wind - 12) / 2)),
    }


def reference(seed: int = 1, days: int = 30, *, autocorrelated: bool = True) -> Reference:
    rng = np.random.default_rng(seed)
    blocks = [day(rng, autocorrelated=autocorrelated) for _ in range(days)]
    columns = {c.name: _column(make_bins(_all(blocks, c.name), c), blocks, c.name) for c in COLUMNS}
    score = _column(score_bins("binary", []), blocks, "(score)")
    return Reference(columns, score, labels={}, metrics={"auc": 0.8}, block_rows=DAY_ROWS)


def without_blocks(found: Reference) -> Reference:
    """Return the reference of a model whose rows have no time."""
    bare = {n: replace(c, blocks=(), missing_blocks=()) for n, c in found.columns.items()}
    score = replace(found.score, blocks=(), missing_blocks=())
    return replace(found, columns=bare, score=score, block_rows=0)


def window(
    found: Reference, frame: Frame, *, end: datetime = NOON, release: str = "r-3", id: str = "w"
) -> Window:
    columns = {name: count(c.bins, frame[name]) for name, c in found.columns.items()}
    return Window(
        id=id,
        model="ferry-delay",
        version=3,
        release=release,
        start=end - timedelta(minutes=1),
        end=end,
        requests=len(frame["wind"]),
        rows=len(frame["wind"]),
        score=count(found.score.bins, frame["(score)"]),
        columns=columns,
    )


def _all(blocks: list[Frame], name: str) -> np.ndarray:
    return np.concatenate([block[name] for block in blocks])


def _column(bins: Bins, blocks: list[Frame], name: str) -> ColumnReference:
    whole = summarize(bins, _all(blocks, name))
    parts = [count(bins, block[name]) for block in blocks]
    return replace(
        whole,
        blocks=tuple(column_distance(whole, part) for part in parts),
        missing_blocks=tuple(part.missing / part.total for part in parts),
    )
