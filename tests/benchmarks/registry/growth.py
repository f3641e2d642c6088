"""Reads of one model as it grows: what they cost, and how their time grows, sizes side by side."""

from __future__ import annotations

import random
import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.registry.meter import Meter
from tests.benchmarks.registry.seeding import Seed
from tidegate.registry.reading import Reading
from tidegate.registry.replay import replay

Read = Callable[[], object]
# And how many of the calls each one gets: the emulator's Query looks at every row of a partition.
READS = {"champion": 1.0, "at": 0.5, "history": 0.02}
_HISTORY = 20  # reigns
_FULL_REPLAY = 100  # versions; a longer log is held against a sample of it
_SAMPLE = 50  # events


@dataclass(frozen=True)
class Cost:
    """What one read takes; `units` are read units by DynamoDB's rule."""

    read: str
    versions: int
    events: int
    requests: dict[str, int]
    items: int
    units: float


@dataclass(frozen=True)
class Medians:
    """The median seconds of one read in one round, for each size in versions."""

    read: str
    round: int
    calls: int
    seconds: dict[int, float]

    def growth(self) -> dict[int, float]:
        """Return the medians over that of the smallest size."""
        least = self.seconds[min(self.seconds)]
        return {size: seconds / least for size, seconds in self.seconds.items()}


def check(reading: Reading, seed: Seed) -> None:
    """Fail unless the table holds the seed: its end by replay, its log in full or by a sample."""
    meta = reading.meta(seed.model)
    assert (meta.counter, meta.rev) == (seed.versions, len(seed.events))
    assert replay(seed.events) == meta.serving == seed.events[-1].serving
    champion = reading.champion(seed.model)
    assert champion is not None
    assert champion.number == seed.versions
    if seed.versions <= _FULL_REPLAY:
        assert reading.events(seed.model) == seed.events
    for moment in random.Random(1).choices([event.at for event in seed.events], k=_SAMPLE):
        event = seed.events[bisect_right(seed.events, moment, key=lambda one: one.at) - 1]
        assert reading.at(seed.model, moment) == event
        assert replay(seed.events[: event.sequence]) == event.serving


def costs(reading: Reading, meter: Meter, seeds: Sequence[Seed]) -> Iterator[Cost]:
    """Yield what each read of each size takes; fail on a Scan."""
    for seed in seeds:
        for name, read in _reads(reading, seed, random.Random(2)).items():
            meter.reset()
            read()
            assert set(meter.requests) <= {"GetItem", "Query"}, f"{name}: {meter.requests}"
            yield Cost(
                read=name,
                versions=seed.versions,
                events=len(seed.events),
                requests=dict(meter.requests),
                items=meter.items,
                units=meter.units,
            )


def medians(
    reading: Reading, seeds: Sequence[Seed], *, rounds: int, calls: int
) -> Iterator[Medians]:
    """Yield each read's medians; within a round every call is made at all sizes, in a new order."""
    chance = random.Random(3)
    reads = {seed.versions: _reads(reading, seed, chance) for seed in seeds}
    for number in range(rounds):
        for name, share in READS.items():
            times: dict[int, list[float]] = {size: [] for size in reads}
            for _ in range(max(1, round(calls * share))):
                for size in chance.sample(list(reads), k=len(reads)):
                    times[size].append(_seconds(reads[size][name]))
            middle = {size: statistics.median(found) for size, found in times.items()}
            yield Medians(name, number, len(times[min(times)]), middle)


def _reads(reading: Reading, seed: Seed, chance: random.Random) -> dict[str, Read]:
    model = seed.model
    return {
        "champion": lambda: reading.champion(model),
        "at": lambda: reading.at(model, chance.choice(seed.events).at),
        "history": lambda: reading.history(model, _HISTORY),
    }


def _seconds(read: Read) -> float:
    start = time.perf_counter()
    read()
    return time.perf_counter() - start
