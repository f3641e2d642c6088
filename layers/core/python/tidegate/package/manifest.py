"""The package's manifest: digest of every file and what made it."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.registry.values import Lineage

MODEL = "model.onnx"
CONTRACT = "contract.json"
REFERENCE = "reference.json"
GOLDEN = "golden.json"
ENVIRONMENT = "environment.txt"
DATA = "data.json"
MANIFEST = "manifest.json"
CARD = "card.md"
FILES = (MODEL, CONTRACT, REFERENCE, GOLDEN, ENVIRONMENT, DATA, MANIFEST, CARD)


@dataclass(frozen=True)
class Manifest:
    """Model name, SHA-256 (hex) of every other file, lineage, holdout metrics."""

    model: str
    files: dict[str, str]
    lineage: Lineage
    metrics: dict[str, float]
    format: int = 1


@dataclass(frozen=True)
class Golden:
    """Requests with the answers that every runtime of this package must give.

    `records` is a list of JSON records; `scores` has one row of `outputs` floats each.
    """

    records: tuple[dict[str, str | float | int | bool | None], ...]
    scores: tuple[tuple[float, ...], ...]
    tolerance: float = 1e-4
