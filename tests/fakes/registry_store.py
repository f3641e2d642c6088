"""The registry's store in memory: real items, real conditions, one lock for all threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, TypeVar

from tidegate.errors import ImmutableError, RegistryConflictError
from tidegate.registry import rows
from tidegate.registry.codec import body_digest, decode, encode
from tidegate.registry.values import Event, Meta, Record, Run

R = TypeVar("R", bound=Record)


class FakeRegistryStore:
    """`RegistryStore` over a dict of encoded items; `busy` makes so many commits lose first."""

    def __init__(self) -> None:
        self.items: dict[rows.Row, dict[str, Any]] = {}
        self._bodies: dict[rows.Row, str] = {}
        self.commits = 0
        self.busy = 0
        self._lock = threading.Lock()

    def read(self, kind: type[R], model: str, key: str = "") -> R | None:
        with self._lock:
            item = self.items.get(rows.row(kind, model, key))
        return decode(kind, item) if item is not None else None

    def newest(self, kind: type[R], model: str, limit: int = 50) -> tuple[R, ...]:
        partition, prefix = rows.partition(model), rows.prefix(kind)
        with self._lock:
            found = sorted(
                ((sk, item) for (pk, sk), item in self.items.items() if pk == partition),
                key=lambda pair: pair[0],
                reverse=True,
            )
        return tuple(decode(kind, item) for sk, item in found if sk.startswith(prefix))[:limit]

    def events(self, model: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        partition = rows.partition(model)
        with self._lock:
            found = [
                decode(Event, i)
                for (pk, sk), i in self.items.items()
                if _is_event(pk, sk, partition)
            ]
        later = [event for event in found if event.sequence > after]
        return tuple(sorted(later, key=lambda event: event.sequence))[:limit]

    def models(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(
                sorted(sk.removeprefix("MODEL#") for pk, sk in self.items if pk == rows.LIST)
            )

    def commit(self, meta: Meta, records: Sequence[Record], event: Event) -> None:
        writes = [(rows.row_of(record), record) for record in (meta, *records, event)]
        items = {row: encode(record) for row, record in writes}
        bodies = {row: body_digest(record) for row, record in writes}
        with self._lock:
            self._check_head(meta)
            for row, item in items.items():
                self._check_body(row, item["record"], bodies[row])
            if meta.rev == 1:
                self.items[rows.list_row(meta.model)] = {"model": meta.model}
            self.items |= items
            self._bodies |= bodies
            self.commits += 1

    def by_identity(self, model: str, identity: str) -> tuple[Run, ...]:
        return tuple(run for run in self.newest(Run, model, 10_000) if run.identity == identity)

    def _check_head(self, meta: Meta) -> None:
        if self.busy > 0:
            self.busy -= 1
            raise RegistryConflictError(f"{meta.model!r} is written to by others")
        stored = self.items.get(rows.row(Meta, meta.model))
        if (int(stored["rev"]) if stored else 0) != meta.rev - 1:
            raise RegistryConflictError(f"{meta.model!r} has moved on from rev {meta.rev - 1}")

    def _check_body(self, row: rows.Row, kind: str, body: str) -> None:
        stored = row in self.items
        if stored and kind == "Event":
            raise ImmutableError(f"{row[1]} exists")
        if stored and body and self._bodies.get(row) != body:
            raise ImmutableError(f"{row[1]}: a field that is written once would change")


def _is_event(pk: str, sk: str, partition: str) -> bool:
    return pk == partition and sk.startswith(rows.prefix(Event))
