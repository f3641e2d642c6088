"""The announcer's port: tell the rest of the house what was committed."""

from __future__ import annotations

from typing import Protocol

from tidegate.registry.values import Event


class Announcer(Protocol):
    """Where committed events are made known; the registry's own log is the truth."""

    def announce(self, event: Event) -> None:
        """Send an event on; a failure to send is reported by the adapter and never raised.

        The event is committed by then: an error would make the caller repeat what was done.
        """
        ...
