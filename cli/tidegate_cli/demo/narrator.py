"""The narrator reads the registry's event log aloud while it grows."""

from __future__ import annotations

import time
from collections.abc import Callable

from tidegate.registry.book import Registry
from tidegate.registry.values import Event
from tidegate_cli.demo.facts import Teller
from tidegate_cli.demo.wording import in_words
from tidegate_cli.faults import CommandError

POLL_SECONDS = 0.4


class StoryError(CommandError):
    """The story did not go on as it should; says what was waited for."""


class Narrator:
    """Tells each registry event once, in order."""

    def __init__(self, registry: Registry, model: str, teller: Teller) -> None:
        """Begin after the newest event that is there already."""
        self._registry, self._model, self._teller = registry, model, teller
        self.after = max((event.sequence for event in self._new(0)), default=0)

    def until(
        self,
        wanted: Callable[[Event], bool],
        what: str,
        *,
        seconds: float = 180.0,
        alive: Callable[[], str] = lambda: "",
    ) -> Event:
        """Tell events until one is `wanted`, and return it.

        Raises `StoryError` naming `what` was waited for when `seconds` pass, or at once when
        `alive` gives a reason why it can't come any more.
        """
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            for event in self._new(self.after):
                self.after = event.sequence
                self._tell(event)
                if wanted(event):
                    return event
            if reason := alive():
                raise StoryError(f"waited for {what}: {reason}")
            self._teller.waiting(f"waiting for {what}")
            time.sleep(POLL_SECONDS)
        raise StoryError(
            f"waited {seconds:.0f} s for {what}; look at: tidegate events {self._model}"
        )

    def catch_up(self) -> None:
        """Tell what has happened so far."""
        for event in self._new(self.after):
            self.after = event.sequence
            self._tell(event)

    def _new(self, after: int) -> tuple[Event, ...]:
        found: list[Event] = []
        while page := self._registry.events(self._model, after=after):
            found += page
            after = page[-1].sequence
        return tuple(found)

    def _tell(self, event: Event) -> None:
        words = in_words(event)
        if words:
            self._teller.tell(
                words,
                event=event.kind,
                sequence=event.sequence,
                subject=event.subject,
                **event.evidence,
            )
