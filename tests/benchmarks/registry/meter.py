"""What reads cost: requests, and read units by DynamoDB's rule, from the answers themselves.

A strongly consistent read takes one unit for each 4 KB begun: of the item for GetItem, of all items
looked at together for Query; an eventually consistent one takes half. Source: "DynamoDB read and
write operations", Amazon DynamoDB Developer Guide. What the emulator reports as consumed is not
used: it is one unit for any read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_UNIT = 4096  # bytes
_READS = ("GetItem", "Query")


@dataclass
class Meter:
    """Listens to a DynamoDB client; counts since the last `reset`."""

    requests: dict[str, int] = field(default_factory=dict)
    units: float = 0.0
    items: int = 0
    _consistent: bool = True

    def listen(self, dynamodb: Any) -> None:
        """Register with a boto3 client."""
        events = dynamodb.meta.events
        for operation in _READS:
            events.register(f"before-parameter-build.dynamodb.{operation}", self._see)
        events.register("after-call.dynamodb", self._count)

    def reset(self) -> None:
        """Forget what was counted."""
        self.requests, self.units, self.items = {}, 0.0, 0

    def _see(self, params: Mapping[str, Any], **_: object) -> None:
        self._consistent = bool(params.get("ConsistentRead"))

    def _count(self, parsed: Mapping[str, Any], model: Any, **_: object) -> None:
        self.requests[model.name] = self.requests.get(model.name, 0) + 1
        if model.name not in _READS:
            return
        found = [parsed["Item"]] if "Item" in parsed else parsed.get("Items", [])
        begun = max(1, math.ceil(sum(map(size, found)) / _UNIT))
        self.units += begun if self._consistent else begun / 2
        self.items += len(found)


def size(item: Mapping[str, Any]) -> int:
    """Return an item's bytes: names and text in UTF-8, two digits a byte, 3 per container.

    >>> size({"PK": {"S": "MODEL#iris"}, "rev": {"N": "12"}})
    17
    """
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: Mapping[str, Any]) -> int:
    (kind, held), *_ = value.items()
    if kind == "M":
        return 3 + size(held) + len(held)
    if kind == "L":
        return 3 + sum(1 + _value(part) for part in held)
    if kind == "N":
        return math.ceil(len(held.strip("-").replace(".", "")) / 2) + 1
    return len(held.encode()) if kind == "S" else 1
