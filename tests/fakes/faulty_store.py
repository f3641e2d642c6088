"""A registry's store whose commits go wrong as told, over any other store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from tidegate.errors import RegistryConflictError
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import Event, Meta, Record

Fault = Literal["none", "busy", "crash", "lost", "echo"]


class InterruptedCommitError(Exception):
    """The process died, or the connection did."""


class FaultyStore:
    """`RegistryStore` that lets one fault happen per commit, in turn; then all goes well.

    busy: another writer was faster · crash: it dies before the commit · lost: it dies after it ·
    echo: the SDK repeats a transaction that went through, and sees its own writing as a conflict.
    """

    def __init__(self, inner: RegistryStore, faults: Iterable[Fault] = ()) -> None:
        self.inner = inner
        self.faults: deque[Fault] = deque(faults)
        self.written = 0
        self.before: Callable[[], object] | None = None  # done once, just before a commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def commit(self, meta: Meta, records: Sequence[Record], event: Event) -> None:
        fault = self.faults.popleft() if self.faults else "none"
        between, self.before = self.before, None
        if between is not None:
            between()
        if fault == "busy":
            raise RegistryConflictError(f"{meta.model!r} is written to by others")
        if fault == "crash":
            raise InterruptedCommitError("before the commit")
        self.inner.commit(meta, records, event)
        self.written += 1
        if fault == "lost":
            raise InterruptedCommitError("after the commit")
        if fault == "echo":
            raise RegistryConflictError(f"{meta.model!r} has moved on")
