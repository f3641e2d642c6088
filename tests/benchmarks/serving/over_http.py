"""Over HTTP: ours beside each server in turn, on one CPU, with the load on another.

As in one process, each request has other rows than the one before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tests.benchmarks.serving import processes, servers
from tests.benchmarks.serving.in_process import MANY
from tests.benchmarks.serving.limits import Limit
from tests.benchmarks.serving.load import Connection, Load, drive
from tests.benchmarks.serving.payloads import Records, matrix_of, records
from tests.benchmarks.serving.servers import Kind, Running
from tidegate.package.archive import read_folder

_CPUS = os.sched_getaffinity(0)  # before this process is bound to one of them
_WARM_SHARE = 0.3  # of a measurement's seconds, spent before the first one of a server


@dataclass(frozen=True)
class Plan:
    """What to measure; `seconds` is how long one side of one pair takes."""

    rows: tuple[int, ...]
    clients: tuple[int, ...]
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Pair:
    """Ours and another server, one right after the other."""

    model: str
    other: str
    rows: int
    clients: int
    round: int
    ours: Load
    theirs: Load
    our_cpu: float  # seconds that the server's processes worked, per answer
    their_cpu: float


@dataclass(frozen=True)
class Memory:
    """What a warm server's processes take, in bytes; shared pages are counted once."""

    model: str
    server: str
    round: int
    proportional: int


@dataclass(frozen=True)
class Compared:
    """What was found over HTTP; `absent` are servers that did not start, and why."""

    pairs: tuple[Pair, ...] = ()
    memory: tuple[Memory, ...] = ()
    absent: tuple[str, ...] = ()

    def __add__(self, other: Compared) -> Compared:
        """Join two models' findings."""
        return Compared(
            self.pairs + other.pairs, self.memory + other.memory, self.absent + other.absent
        )


class Scene:
    """One model's requests, made before anything is timed."""

    def __init__(self, package: Path, plan: Plan) -> None:
        self.package, self._limit, self.plan = package, Limit(package), plan
        contract = read_folder(package).contract
        self.model = contract.model
        self._rows = {
            n: [records(contract, matrix_of(contract, n, seed=seed)) for seed in range(MANY)]
            for n in plan.rows
        }

    def requests(self, running: Running) -> dict[int, list[bytes]]:
        """Return a server's requests by number of rows; hold its answers against the model's."""
        found = {
            n: [running.request(rows, self._limit) for rows in asked]
            for n, asked in self._rows.items()
        }
        for n, requests in found.items():
            for rows, request in zip(self._rows[n], requests, strict=True):
                self._check(running, rows, request)
        return found

    def _check(self, running: Running, rows: Records, request: bytes) -> None:
        with Connection(running.port) as connection:
            status, answer = connection.ask(request)
        if status != 200:
            raise RuntimeError(f"{running.kind.name} answers {status}: {answer[:300]!r}")
        servers.check(running, answer, self._limit.scores(self._limit.convert(rows)))


def compare(
    package: Path, kinds: Sequence[Kind], plan: Plan, tell: Callable[[str], None]
) -> Compared:
    """Measure ours beside each kind, round after round; a kind that does not start is told."""
    scene = Scene(package, plan)
    pairs: list[Pair] = []
    memory: list[Memory] = []
    absent: list[str] = []
    with servers.running(servers.OURS, package, server_cpu()) as ours:
        for number, kind in product(range(plan.rounds), kinds):
            try:
                with servers.running(kind, package, server_cpu()) as other:
                    pairs += _pairs(scene, ours, other, number)
                    memory += (
                        Memory(scene.model, side.kind.name, number, side.memory())
                        for side in (ours, other)
                    )
            except servers.NotStartedError as error:
                absent.append(f"{scene.model}, round {number + 1}: {error}")
            tell(f"round {number + 1}: {scene.model}, {kind.name}")
    return Compared(tuple(pairs), tuple(memory), tuple(absent))


def server_cpu() -> int:
    """Return the CPU of all servers."""
    return min(_CPUS)


def load_cpu() -> int:
    """Return the CPU of the load: another one, if there is any."""
    return max(_CPUS)


def _pairs(scene: Scene, ours: Running, other: Running, number: int) -> Iterator[Pair]:
    sides = [(running, scene.requests(running)) for running in (ours, other)]
    for running, requests in sides:
        for asked in requests.values():
            drive(running.port, asked, clients=1, seconds=scene.plan.seconds * _WARM_SHARE)
    turn = number
    for rows in scene.plan.rows:
        for clients in scene.plan.clients:
            found = {
                running.kind.name: _driven(running, requests[rows], clients, scene.plan.seconds)
                for running, requests in (sides if turn % 2 else reversed(sides))
            }
            turn += 1
            (our_load, our_cpu), (load, cpu) = (found[side.kind.name] for side in (ours, other))
            yield Pair(
                *(scene.model, other.kind.name, rows, clients, number),
                *(our_load, load, our_cpu, cpu),
            )


def _driven(
    running: Running, requests: Sequence[bytes], clients: int, seconds: float
) -> tuple[Load, float]:
    before = processes.seconds_on_cpu(running.pid)
    with _on_cpu(load_cpu()):
        load = drive(running.port, requests, clients=clients, seconds=seconds)
    return load, (processes.seconds_on_cpu(running.pid) - before) / load.answers


@contextmanager
def _on_cpu(cpu: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
