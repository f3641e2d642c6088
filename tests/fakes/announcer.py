"""An announcer that remembers."""

from __future__ import annotations

from tidegate.registry.values import Event


class FakeAnnouncer:
    """`Announcer` that keeps every event it was given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def announce(self, event: Event) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]
