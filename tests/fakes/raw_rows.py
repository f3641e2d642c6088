"""The registry's table in memory, row by row, in DynamoDB's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import get_args

from boto3.dynamodb.types import TypeSerializer

from tests.fakes.registry_store import FakeRegistryStore
from tidegate.errors import ImmutableError
from tidegate.registry import rows
from tidegate.registry.codec import body_digest, decode, encode, indexed_digest
from tidegate.registry.dump_rows import Raw, listing, row_of
from tidegate.registry.values import Event, Meta, Record

BATCH = 100
_KINDS = {kind.__name__: kind for kind in (*get_args(Record), Event)}
_serialize = TypeSerializer().serialize


def raw_of(record: Record | Event) -> Raw:
    """Return the row that the table's adapter writes."""
    pk, sk = rows.row_of(record)
    plain = {"PK": pk, "SK": sk, **encode(record)}
    plain |= {"body": body} if (body := body_digest(record)) else {}
    plain |= {"digest": found} if (found := indexed_digest(record)) else {}
    return {name: _serialize(value) for name, value in plain.items()}


class MemoryRows:
    """Implements `RawRows`; `dies` after so many batches, `moves` a model while it is read."""

    def __init__(self) -> None:
        self.items: dict[rows.Row, Raw] = {}
        self.dies = -1
        self.moves = 0
        self.inserts: list[int] = []

    @classmethod
    def of(cls, store: FakeRegistryStore) -> MemoryRows:
        """Return the rows that a store in memory would have in the table."""
        made = cls()
        for place, item in store.items.items():
            if place[0] == rows.LIST:
                made.items[place] = listing(item["model"])
            else:
                made.items[place] = raw_of(decode(_KINDS[item["record"]], item))
        return made

    def models(self) -> tuple[str, ...]:
        return tuple(sorted(raw["model"]["S"] for pk, raw in self._sorted() if pk == rows.LIST))

    def head(self, model: str) -> Raw | None:
        return deepcopy(self.items.get(rows.row(Meta, model)))

    def rows(self, model: str) -> Iterator[Raw]:
        here = [raw for pk, raw in self._sorted() if pk == rows.partition(model)]
        yield from deepcopy(here)
        if self.moves > 0:
            self.moves -= 1
            head = self.items[rows.row(Meta, model)]
            head["owner"] = {"S": f"owner-{self.moves}"}

    def insert(self, items: Sequence[Raw]) -> None:
        assert 0 < len(items) <= BATCH
        if self.dies == 0:
            raise KeyboardInterrupt
        self.dies -= 1
        self.inserts.append(len(items))
        for raw in items:
            if self.items.get(row_of(raw), raw) != raw:
                raise ImmutableError(f"{' / '.join(row_of(raw))} holds something else already")
        self.items |= {row_of(raw): deepcopy(raw) for raw in items}

    def _sorted(self) -> list[tuple[str, Raw]]:
        return [(pk, self.items[pk, sk]) for pk, sk in sorted(self.items)]
