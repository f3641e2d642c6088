"""What a training job says of itself: `report.json` beside the package candidate."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import TrainingFailedError


@dataclass(frozen=True)
class Parity:
    """How the exported model's answers compare with the native ones, row by row."""

    rows: int
    max_difference: float  # regression: in standard deviations of the native answers
    rows_over: int  # rows that differ by more than the tolerance
    label_flips: int
    tolerance: float


@dataclass(frozen=True)
class JobReport:
    """Rows, parity and timing of one job; its environment is in the package."""

    train_rows: int
    holdout_rows: int
    parity: Parity
    metrics: dict[str, float]
    seconds: dict[str, float]  # by stage
    notes: tuple[str, ...] = ()
    output: str = ""  # the end of what the user's code printed

    def to_json(self) -> bytes:
        """Return the canonical bytes."""
        return canonical_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> JobReport:
        """Read canonical bytes back; raise `TrainingFailedError` naming the field."""
        try:
            return decode(cls, parse_json(data))
        except ValueError as error:
            raise TrainingFailedError(f"report.json: {error}") from None
