"""What the training machine is started with, read from its JSON input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tidegate.decoding import decode
from tidegate.errors import RequestError
from tidegate.project import Param


@dataclass(frozen=True)
class TrainOrder:
    """One training: of what, by whom, why, with which parameters, on data up to when."""

    model: str
    run: str
    actor: str
    reason: str = ""
    params: dict[str, Param] = field(default_factory=dict)
    data_until: str = ""  # data files whose names sort before this text; empty: all
    release: Literal["auto", "none"] = "auto"

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> TrainOrder:
        """Read the machine's input; raise `RequestError` naming the field."""
        try:
            return decode(cls, event)
        except ValueError as error:
            raise RequestError(f"input of the training machine: {error}") from None
