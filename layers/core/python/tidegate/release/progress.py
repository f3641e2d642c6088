"""The state that the release machine hands from step to step, as JSON and as a value."""

# ruff: noqa: ANN401 - the JSON edge of the release machine
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from tidegate.errors import RequestError

Answer = Literal["", "advance", "hold", "rollback"]


@dataclass(frozen=True)
class Progress:
    """How far a release has come. `steps[index]` is the percentage to shift to, or being judged."""

    model: str
    version: int
    release: str
    actor: str = ""
    reason: str = ""
    function_version: str = ""
    previous_function_version: str = ""
    steps: tuple[int, ...] = ()
    index: int = 0
    weight: int = 0
    bake_seconds: int = 0
    holds: int = 0
    answer: Answer = ""
    since: str = ""  # stamp of the last shift

    @property
    def target(self) -> int:
        """The percentage of the present step."""
        return self.steps[self.index]

    def to_event(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "steps": list(self.steps)}

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Progress:
        """Read the JSON form, ignoring other keys; raise `RequestError` naming a wrong one."""
        known: dict[str, Any] = {}
        for field in fields(cls):
            if field.name not in event:
                continue
            known[field.name] = _read(field.name, event[field.name])
        for needed in ("model", "version", "release"):
            if not known.get(needed):
                raise RequestError(f"release state: {needed!r} is missing")
        if known.get("steps") and known.get("index", 0) >= len(known["steps"]):
            raise RequestError(f"release state: index {known['index']} is beyond the last step")
        return cls(**known)


_NUMBERS = frozenset({"version", "index", "weight", "bake_seconds", "holds"})


def _read(name: str, value: Any) -> Any:
    if name == "steps":
        if not isinstance(value, list) or not all(_is_count(v) and v <= 100 for v in value):
            raise RequestError(f"release state: steps: {value!r} is no list of percentages")
        return tuple(value)
    if name in _NUMBERS:
        if not _is_count(value):
            raise RequestError(f"release state: {name}: {value!r} is not a whole number")
        return int(value)
    if not isinstance(value, str):
        raise RequestError(f"release state: {name}: {value!r} is not text")
    return value


def _is_count(value: Any) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and value >= 0
