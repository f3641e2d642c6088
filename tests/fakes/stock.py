"""Stored packages in memory, by object version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.package import keys
from tidegate.training.sweeping import Stored


@dataclass
class MemoryStock:
    """Implements `Stock`; `listed` runs after a listing, to let somebody else be faster."""

    objects: list[Stored] = field(default_factory=list)
    listed: list[Callable[[], object]] = field(default_factory=list)

    def store(self, digest: str, at: datetime, *, model: str = "iris") -> Stored:
        return self.put(keys.package_file(model, digest), at)

    def put(self, key: str, at: datetime) -> Stored:
        stored = Stored(key, f"v{len(self.objects) + 1}-{at:%H%M%S}", at)
        self.objects.append(stored)
        return stored

    def versions(self, prefix: str) -> tuple[Stored, ...]:
        found = tuple(stored for stored in self.objects if stored.key.startswith(prefix))
        if self.listed:
            self.listed.pop(0)()
        return found

    def remove(self, stored: Stored) -> None:
        self.objects = [kept for kept in self.objects if kept != stored]
