"""What a training job is told: `request.json` in its `request` channel."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import TrainingFailedError
from tidegate.project import Param
from tidegate.registry.values import DataObject


@dataclass(frozen=True)
class TrainingRequest:
    """One training: which files, which code, which parameters."""

    model: str
    run: str
    params: dict[str, Param]
    seed: int
    data: tuple[DataObject, ...]
    data_digest: str
    code_digest: str
    identity: str
    image: str = ""
    parent: int = 0  # champion when the snapshot was taken; 0: none
    git_commit: str = ""
    git_dirty: bool = False
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> bytes:
        """Return the canonical bytes."""
        return canonical_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> TrainingRequest:
        """Read canonical bytes back; raise `TrainingFailedError` naming the field."""
        try:
            return decode(cls, parse_json(data))
        except ValueError as error:
            raise TrainingFailedError(f"request.json: {error}") from None
