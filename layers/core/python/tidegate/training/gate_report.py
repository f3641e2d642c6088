"""`gates.json`: what an evaluation found; read where no arrays are at hand."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import CorruptRecordError
from tidegate.registry.values import GateResult


@dataclass(frozen=True)
class Evaluation:
    """`gates.json`: what the gates saw and said."""

    model: str
    run: str
    package: str
    rows: int
    metrics: dict[str, float]
    champion: int  # version; 0: none
    champion_metrics: dict[str, float] | None
    gates: tuple[GateResult, ...]
    holdout_shift: float | None  # scores against the champion's, in its standard deviations
    problem: str = ""  # why the champion could not be compared

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    def to_json(self) -> bytes:
        """Return the canonical bytes."""
        return canonical_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> Evaluation:
        """Read canonical bytes back; raise `CorruptRecordError` on other content."""
        try:
            return decode(cls, parse_json(data))
        except ValueError as error:
            raise CorruptRecordError(f"gates.json: {error}") from None
