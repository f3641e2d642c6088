"""Commits: read META, decide, write everything at once; lose the race, and decide again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from tidegate.errors import NotFoundError, RegistryConflictError
from tidegate.registry.announcer import Announcer
from tidegate.registry.retries import Retries
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Event, Meta, Record

T = TypeVar("T")
Evidence = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Act:
    """Who does something, when and why; `request_id` names the request for good."""

    at: datetime
    actor: str
    reason: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Change(Generic[T]):
    """What a decision wants written, and the answer; without a `kind` nothing is left to do."""

    answer: T
    kind: str = ""
    records: tuple[Record, ...] = ()
    subject: str = ""
    reason: str = ""
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True)
class Commits:
    """The only way to write: exactly one event per commit, announced afterwards."""

    store: RegistryStore
    announcer: Announcer
    retries: Retries

    def apply(self, model: str, act: Act, decide: Callable[[Meta], Change[T]]) -> T:
        """Decide on the present state and commit; after a conflict wait and decide anew."""
        attempt = 0
        while True:
            meta = self.store.read(Meta, model)
            if meta is None:
                raise NotFoundError(f"no model {model!r} in the registry")
            change = decide(meta)
            if not change.kind:
                return change.answer
            try:
                return self.write(meta, act, change)
            except RegistryConflictError:
                if self.retries.is_last(attempt):
                    raise
            self.retries.pause(attempt)
            attempt += 1

    def write(self, meta: Meta, act: Act, change: Change[T]) -> T:
        """Commit one change on top of `meta` as read; `RegistryConflictError` if that is stale."""
        moved = [record for record in change.records if isinstance(record, Meta)]
        head = replace(moved[0] if moved else meta, rev=meta.rev + 1)
        event = Event(
            model=meta.model,
            sequence=head.rev,
            kind=change.kind,
            at=act.at,
            actor=act.actor,
            reason=change.reason or act.reason,
            subject=change.subject,
            evidence=change.evidence,
            request_id=act.request_id,
        )
        rest = tuple(record for record in change.records if not isinstance(record, Meta))
        self.store.commit(head, rest, event)
        self.announcer.announce(event)
        return change.answer
