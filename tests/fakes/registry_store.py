"""The registry's store in memory: real items, real conditions, one lock for all threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, TypeVar

from tidegate.errors import ImmutableError, RegistryConflictError
from tidegate.registry import rows
from tidegate.registry.codec import body_digest, decode, encode, indexed_digest
from tidegate.registry.values import Event, Meta, Record

R = TypeVar("R", bound=Record | Event)


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

    def newest(
        self, kind: type[R], model: str, limit: int = 50, *, under: int = 0
    ) -> tuple[R, ...]:
        found = self._sorted((rows.partition(model), rows.prefix(kind, under)))[::-1]
        return tuple(decode(kind, item) for item in (found[:limit] if limit else found))

    def with_digest(self, kind: type[R], digest: str) -> tuple[R, ...]:
        found = [decode(kind, item) for item in self._sorted(("", rows.prefix(kind)))]
        return tuple(one for one in found if indexed_digest(one) == digest)

    def _sorted(self, begin: rows.Row) -> list[dict[str, Any]]:
        """Return items of a partition (of all, if it is empty) whose sort keys begin so."""
        partition, prefix = begin
        with self._lock:
            items = sorted(self.items.items(), key=lambda pair: pair[0])
        here = (pair for pair in items if partition in ("", pair[0][0]))
        return [item for (_, sk), item in here if sk.startswith(prefix)]

    def events(self, model: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        partition, first = rows.event_row(model, after + 1)
        with self._lock:
            found = [(sk, item) for (pk, sk), item in self.items.items() if pk == partition]
        later = sorted(
            (sk, item) for sk, item in found if sk.startswith(rows.prefix(Event)) and sk >= first
        )
        return tuple(decode(Event, item) for _, item in later[:limit])

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
