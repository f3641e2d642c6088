"""One side's clients: take jobs from standard input, fork a process per client, answer in JSON.

Each side runs this file in its own interpreter environment: `python -m ...clients ours|peer`. All
clients of a job start each phase together.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from queue import Empty

from tests.benchmarks.registry.workload import PHASES, Client, Job, Phase

Connect = Callable[[Job, int], Client]
Errors = tuple[type[Exception], ...]
_PATIENCE = 600.0  # seconds that a client waits for the others


@dataclass(frozen=True)
class _Part:
    """What one client did in one phase."""

    phase: str
    start: float
    end: float
    done: int
    failed: int
    conflicts: int
    waits: int


def main() -> None:
    """Serve jobs until standard input ends."""
    side = import_module(f"tests.benchmarks.registry.{sys.argv[1]}_client")
    for line in sys.stdin:
        known = json.loads(line)
        job = Job(**{**known, "models": tuple(known["models"])})
        phases = _run(job, side.connect, side.REFUSALS)
        print(json.dumps({name: asdict(phase) for name, phase in phases.items()}), flush=True)


def _run(job: Job, connect: Connect, refusals: Errors) -> dict[str, Phase]:
    context = multiprocessing.get_context("fork")  # what is imported once serves every client
    barrier, parts = context.Barrier(job.clients), context.Queue()
    processes = [
        context.Process(
            target=_client, args=(job, number, connect, refusals, barrier, parts), daemon=True
        )
        for number in range(job.clients)
    ]
    for process in processes:
        process.start()
    found: list[_Part] = []
    for _ in processes:
        found += _next(parts, processes)
    return {name: _together([part for part in found if part.phase == name]) for name in PHASES}


def _next(parts: Queue[list[_Part]], processes: Sequence[BaseProcess]) -> list[_Part]:
    """Wait for a client that is done; raise `RuntimeError` when one ended with an error."""
    while True:
        try:
            return parts.get(timeout=1.0)
        except Empty:
            if any(process.exitcode for process in processes):
                raise RuntimeError("a client ended with an error; see above") from None


def _client(
    job: Job,
    number: int,
    connect: Connect,
    refusals: Errors,
    barrier: Barrier,
    parts: Queue[list[_Part]],
) -> None:
    client = connect(job, number)
    mine = []
    for phase in PHASES:
        barrier.wait(_PATIENCE)
        mine.append(_phase(client, phase, job.count, refusals))
    parts.put(mine)


def _phase(client: Client, phase: str, count: int, refusals: Errors) -> _Part:
    conflicts, waits, failed = client.conflicts, client.waits, 0
    operation = getattr(client, phase)
    start = time.monotonic()  # one clock for all processes of a machine
    for _ in range(count):
        try:
            operation()
        except refusals:
            failed += 1
    return _Part(
        phase=phase,
        start=start,
        end=time.monotonic(),
        done=count - failed,
        failed=failed,
        conflicts=client.conflicts - conflicts,
        waits=client.waits - waits,
    )


def _together(parts: list[_Part]) -> Phase:
    return Phase(
        seconds=max(part.end for part in parts) - min(part.start for part in parts),
        done=sum(part.done for part in parts),
        failed=sum(part.failed for part in parts),
        conflicts=sum(part.conflicts for part in parts),
        waits=sum(part.waits for part in parts),
    )


if __name__ == "__main__":
    main()
