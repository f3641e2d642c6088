"""A registry with many versions: real commands against a dict, copied into the emulator's table.

So every row is one that the commands write. Each version is registered, released in two canary
steps and promoted: ten events. The rows of a size are kept in a file for the next run, under a
digest of the sources that made them.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import tidegate.registry
from tests.fakes.made import START, draft, release
from tests.fakes.signer import FakeSigner
from tidegate.aws import registry_table
from tidegate.registry.book import Registry
from tidegate.registry.values import Event, Release, Verdict

EVENTS_PER_VERSION = 10
_STEPS = (10, 50)  # percent of traffic
_LEASE = timedelta(hours=1)
_BATCH = 25  # items in one BatchWriteItem
Item = dict[str, Any]


@dataclass(frozen=True)
class Seed:
    """A model's rows as DynamoDB items, and its events in order."""

    model: str
    versions: int
    items: tuple[Item, ...]
    events: tuple[Event, ...]


@dataclass
class _Remembering:
    """An announcer that keeps every event."""

    events: list[Event] = field(default_factory=list)

    def announce(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class _DictTable:
    """As much of DynamoDB's client as commands of one writer need."""

    items: dict[tuple[str, str], Item] = field(default_factory=dict)

    def get_item(self, *, Key: Mapping[str, Any], **_: object) -> dict[str, Any]:  # noqa: N803  # boto3's
        found = self.items.get((Key["PK"]["S"], Key["SK"]["S"]))
        return {} if found is None else {"Item": found}

    def transact_write_items(self, *, TransactItems: Iterable[Any]) -> None:  # noqa: N803  # boto3's
        for write in TransactItems:
            item = write["Put"]["Item"]
            self.items[item["PK"]["S"], item["SK"]["S"]] = item


def seed_of(versions: int, folder: Path) -> Seed:
    """Return the rows of a model with so many released versions, from `folder` if they are kept."""
    kept = folder / f"seed-{versions}-{_sources()[:16]}.pickle"
    if kept.is_file():
        found: Seed = pickle.loads(kept.read_bytes())
        return found
    for stale in folder.glob(f"seed-{versions}-*"):
        stale.unlink()
    gc.disable()  # it would walk all rows again and again, and there are no cycles
    made = _make(f"growth-{versions}", versions)
    gc.enable()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".part")
    unfinished.write_bytes(pickle.dumps(made))
    unfinished.replace(kept)
    return made


def write(seed: Seed, dynamodb: Any, table: str) -> None:
    """Put a seed's rows into a table."""
    for first in range(0, len(seed.items), _BATCH):
        chunk = seed.items[first : first + _BATCH]
        left: Any = {table: [{"PutRequest": {"Item": item}} for item in chunk]}
        while left:
            left = dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]


def _make(model: str, versions: int) -> Seed:
    rows, told = _DictTable(), _Remembering()
    client: Any = rows
    registry, clock = Registry(registry_table.RegistryTable(client, table="seed"), told), _clock()
    registry.ensure_model(model, owner="bench", at=next(clock), actor="bench")
    signer = FakeSigner()
    for number in range(1, versions + 1):
        registry.register(
            model, draft(), signer, at=next(clock), actor="bench", request_id=f"seed-{number}"
        )
        _release(registry, replace(release(f"r-{number}", number), model=model), clock)
    return Seed(model, versions, tuple(rows.items.values()), tuple(told.events))


def _release(registry: Registry, asked: Release, clock: Iterator[datetime]) -> None:
    now = registry.begin_release(asked, lease=_LEASE, at=next(clock))
    now = replace(now, function_version=str(asked.version))
    registry.advance_release(now, kind="ReleasePublished", at=next(clock))
    for step in _STEPS:
        now = replace(now, weight=step)
        registry.advance_release(now, kind="WeightShifted", at=next(clock))
        at = next(clock)
        verdict = Verdict(step, "advance", ("no worse than the champion",), {"rows": 4000.0}, at)
        now = replace(now, verdicts=(*now.verdicts, verdict))
        registry.advance_release(now, kind="ReleaseJudged", at=at)
    registry.finish_release(replace(now, state="promoted", weight=100), at=next(clock))


def _clock() -> Iterator[datetime]:
    return (START + timedelta(seconds=second) for second in itertools.count())


def _sources() -> str:
    """Return the SHA-256 of the code that decides what a row looks like."""
    (registry,) = tidegate.registry.__path__
    files = [*sorted(Path(registry).glob("*.py")), Path(registry_table.__file__), Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
