"""The registry's port: consistent reads, and one way to write.

A commit is all or nothing: it raises `RegistryConflictError` unless META still has the revision
that the caller read, then writes META with the next revision, the records and exactly one event,
whose sequence is that revision. So events are complete and ordered, and no decision is taken on
stale rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from tidegate.registry.values import Event, Meta, Record

R = TypeVar("R", bound=Record | Event)


class RegistryStore(Protocol):
    """One model registry; every read is consistent unless said otherwise."""

    def read(self, kind: type[R], model: str, key: str = "") -> R | None:
        """Return one record (`key`: `rows.key_of`, e.g. a version number), or None."""
        ...

    def newest(
        self, kind: type[R], model: str, limit: int = 50, *, under: int = 0
    ) -> tuple[R, ...]:
        """Return the latest records of a kind, newest first; `under` a version, if it is given.

        A `limit` of 0 means all of them.
        """
        ...

    def events(self, model: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Return events with a sequence above `after`, oldest first."""
        ...

    def models(self) -> tuple[str, ...]:
        """Return the names of all models, sorted."""
        ...

    def commit(self, meta: Meta, records: Sequence[Record], event: Event) -> None:
        """Write `meta` (rev = the one read + 1), `records` and `event`, all or nothing.

        Raises `RegistryConflictError` when the model moved on, `ImmutableError` when a record would
        change an immutable field of a stored one.
        """
        ...

    def with_digest(self, kind: type[R], digest: str) -> tuple[R, ...]:
        """Return records of a kind that are found by this digest, of all models, in order.

        Runs are found by their identity, versions by their package, inputs by their SHA-256. They
        are looked up eventually consistently, and then read consistently.
        """
        ...
