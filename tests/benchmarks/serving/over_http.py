"""Over HTTP: ours beside each server, on one CPU, with the load on another.

Both take turns of a tenth of a second, so that a noisy second of the machine is as long for either:
in turns of half a second p50 beside the tuned FastAPI came out between 0.8 and 1.5 times, round by
round, and between 1.1 and 1.3 in these. As in one process, each request has other rows than the
one before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tests.benchmarks.serving import processes, servers
from tests.benchmarks.serving.in_process import MANY
from tests.benchmarks.serving.limits import Limit
from tests.benchmarks.serving.load import Clients, Connection, Load
from tests.benchmarks.serving.payloads import Records, matrix_of, records
from tests.benchmarks.serving.servers import Kind, Running
from tidegate.package.archive import read_folder

_CPUS = os.sched_getaffinity(0)  # before this process is bound to one of them
_WARM_SHARE = 0.3  # of a measurement's seconds, spent before the first one of a server
_TURN = 0.1  # seconds after which it is the other's turn


@dataclass(frozen=True)
class Plan:
    """What to measure; `seconds` is how long one side of one pair takes."""

    rows: tuple[int, ...]
    clients: tuple[int, ...]
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Pair:
    """Ours and another server, in turns."""

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
            with Clients(running.port, asked, 1) as clients:
                clients.drive(scene.plan.seconds * _WARM_SHARE)
    for rows, count in product(scene.plan.rows, scene.plan.clients):
        with ExitStack() as stack:
            driven = [
                Side(running, stack.enter_context(Clients(running.port, requests[rows], count)))
                for running, requests in sides
            ]
            for turn in range(max(1, round(scene.plan.seconds / _TURN))):
                # Who comes first changes, so that neither always follows the other.
                for side in driven if (number + turn) % 2 else reversed(driven):
                    side.drive(min(_TURN, scene.plan.seconds))
        (our_load, our_cpu), (load, cpu) = (side.found() for side in driven)
        yield Pair(
            *(scene.model, other.kind.name, rows, count, number), *(our_load, load, our_cpu, cpu)
        )


class Side:
    """One server of a pair and its clients."""

    def __init__(self, running: Running, clients: Clients) -> None:
        self._running, self._clients = running, clients
        self._cpu = 0.0

    def drive(self, seconds: float) -> None:
        """Take a turn."""
        before = processes.seconds_on_cpu(self._running.pid)
        with _on_cpu(load_cpu()):
            self._clients.drive(seconds)
        self._cpu += processes.seconds_on_cpu(self._running.pid) - before

    def found(self) -> tuple[Load, float]:
        """Return what the clients saw, and the server's seconds on the CPU per answer."""
        load = self._clients.load()
        return load, self._cpu / load.answers


@contextmanager
def _on_cpu(cpu: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
