"""The package's manifest: digest of every file and what made it."""

from __future__ import annotations

from tidegate.frozen import frozen
from tidegate.registry.lineage import Lineage

MODEL = "model.onnx"
POINTER = "model.json"  # stands where the model would, in a package whose model lies apart
CONTRACT = "contract.json"
REFERENCE = "reference.json"
GOLDEN = "golden.json"
ENVIRONMENT = "environment.txt"
DATA = "data.json"
MANIFEST = "manifest.json"
CARD = "card.md"
FILES = (MODEL, CONTRACT, REFERENCE, GOLDEN, ENVIRONMENT, DATA, MANIFEST, CARD)
FILES_APART = (POINTER, *FILES[1:])


@frozen
class Manifest:
    """Model name, SHA-256 (hex) of every other file, lineage, holdout metrics.

    The model's SHA-256 is among them wherever it lies.
    """

    model: str
    files: dict[str, str]
    lineage: Lineage
    metrics: dict[str, float]
    format: int = 1


@frozen
class Golden:
    """Requests with the answers that every runtime of this package must give.

    `records` is a list of JSON records; `scores` has one row of `outputs` floats each.
    """

    records: tuple[dict[str, str | float | int | bool | None], ...]
    scores: tuple[tuple[float, ...], ...]
    tolerance: float = 1e-4
