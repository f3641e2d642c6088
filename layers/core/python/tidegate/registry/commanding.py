"""What every command of the registry has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tidegate.registry.announcer import Announcer
from tidegate.registry.commits import Act, Change, Command, Commits
from tidegate.registry.reading import Reading
from tidegate.registry.retries import Retries
from tidegate.registry.rules import check_model_name
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Meta

T = TypeVar("T")


class Commanding(Reading):
    """Reads and decides; one command is one commit with one event."""

    def __init__(
        self, store: RegistryStore, announcer: Announcer, *, retries: Retries | None = None
    ) -> None:
        """Work on `store`; tell `announcer` of each event after its commit."""
        super().__init__(store)
        self._commits = Commits(store, announcer, retries or Retries())

    def _do(self, model: str, command: Command, act: Act, decide: Callable[[Meta], Change[T]]) -> T:
        return self._commits.apply(check_model_name(model), command, act, decide)
