"""A model folder as values: `models/<name>/model.toml`, `train.py`, `requirements.txt`.

`tidegate.project_file` reads and checks the file; this module only says what there is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tidegate.contract import Contract
from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import ProjectError

Param = str | int | float | bool


@dataclass(frozen=True)
class Holdout:
    """How the framework splits off rows that training never sees."""

    kind: Literal["latest", "random"] = "random"
    days: float = 0.0  # latest: the last so many days of the time column
    fraction: float = 0.2  # random: this share of rows, drawn by `seed`


@dataclass(frozen=True)
class Training:
    """The training job: entry `file:function`, machine, bounds, parameters, seed."""

    entry: str = "train.py:train"
    instance: str = "ml.m5.large"
    spot: bool = True
    max_minutes: int = 60
    seed: int = 7
    params: dict[str, Param] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """One condition on the holdout; at least one bound is given. Equality with a bound passes."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    max_regression: float | None = None  # how much worse than the champion is still accepted


@dataclass(frozen=True)
class Serving:
    """The endpoint's function."""

    memory_mb: int = 512
    timeout_seconds: int = 10
    flush_seconds: int = 60
    flush_rows: int = 100_000
    flush_at_shutdown: bool = True
    snapstart: bool = False  # containers begin as copies of one that has started
    sample_share: float = 0.0  # of the requests


@dataclass(frozen=True)
class ReleasePolicy:
    """The canary: percentages ending in 100, bake time per step, evidence wanted, default."""

    steps: tuple[int, ...] = (10, 50, 100)
    bake_minutes: float = 10.0
    min_rows: int = 300  # of canary and of champion, per judgement
    max_holds: int = 3  # extra bakes while there is not enough evidence
    without_evidence: Literal["rollback", "promote"] = "rollback"
    max_prediction_shift: float = 0.5  # in standard deviations of the champion's scores
    max_error_rate: float = 0.01  # by which the canary may exceed the champion
    automatic: bool = True  # release at once when the gates pass; else wait for approval


@dataclass(frozen=True)
class MonitorPolicy:
    """Drift: how often to look, how much evidence, how many findings confirm."""

    every_minutes: int = 60
    min_rows: int = 300
    confirm: int = 2  # findings ...
    of: int = 3  # ... among the last so many looks
    effect_floor: float = 0.05
    max_performance_drop: float = 0.1  # of the first gate's metric, relative to the holdout


@dataclass(frozen=True)
class GovernorPolicy:
    """What may happen by itself after a finding."""

    on_drift: Literal["retrain", "notify"] = "retrain"
    cooldown_hours: float = 24.0
    max_null_rate_rise: float = 0.2  # above it drift is a data fault: people, not training


@dataclass(frozen=True)
class Card:
    """What people say of the model in its card; the rest of the card is facts."""

    purpose: str = ""  # what its answers are for
    not_for: tuple[str, ...] = ()  # uses that it was not made for
    limits: tuple[str, ...] = ()  # what it can't know


@dataclass(frozen=True)
class Project:
    """Everything that a model folder declares."""

    root: Path
    contract: Contract
    owner: str
    contact: str
    cost_center: str
    description: str
    holdout: Holdout
    training: Training
    gates: tuple[Gate, ...]
    serving: Serving
    release: ReleasePolicy
    monitor: MonitorPolicy
    governor: GovernorPolicy
    loader: str = ""  # `file:function` that yields data files for `tidegate data push`
    card: Card = field(default_factory=Card)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.contract.model

    def to_json(self) -> bytes:
        """Return the canonical bytes; `root`, which is a place on one machine, is left out."""
        raw = asdict(self)
        del raw["root"]
        return canonical_json(raw)

    @classmethod
    def from_json(cls, data: bytes) -> Project:
        """Read the bytes back, with an empty `root`; raise `ProjectError` on other content."""
        try:
            raw = parse_json(data)
            if not isinstance(raw, dict) or "root" in raw:
                raise ValueError("an object without root is expected")
            return decode(cls, {**raw, "root": Path()})
        except ValueError as error:
            raise ProjectError("project.json", "", str(error)) from None
