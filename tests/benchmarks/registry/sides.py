"""Registrations, promotions and reads per second: both sides in turns, in one run.

A side is a process that forks its clients for every job. In each round both sides do the same job,
and which of them is first changes from round to round.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tests.benchmarks.registry import peer
from tests.benchmarks.registry.workload import Job, Phase

ROOT = Path(__file__).resolve().parents[3]
Scene = Literal["one model", "one each"]
SCENES: tuple[Scene, ...] = ("one model", "one each")
Phases = dict[str, Phase]


@dataclass(frozen=True)
class Pair:
    """What both sides did in one round of one scene."""

    scene: Scene
    clients: int
    round: int
    ours: Phases
    peer: Phases


class Side:
    """One side's clients, in an interpreter of their own."""

    def __init__(self, process: subprocess.Popen[str], name: str, url: str) -> None:
        """Talk to `process`; its clients talk to the server at `url`."""
        self._process, self._name, self._url = process, name, url

    def do(self, name: str, scene: Scene, clients: int, operations: int) -> Phases:
        """Let clients share so many operations of each phase, on models of this job only."""
        number = 1 if scene == "one model" else clients
        models = tuple(f"{name}-{index}" for index in range(number))
        job = Job(self._url, name, clients, max(1, operations // clients), models)
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(asdict(job)), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the clients of side {self._name!r} ended; see above")
        return {phase: Phase(**found) for phase, found in json.loads(answer).items()}


@contextmanager
def side(name: Literal["ours", "peer"], python: Path, url: str) -> Iterator[Side]:
    """Start the process of one side's clients, and end it."""
    with subprocess.Popen(
        [python, "-m", "tests.benchmarks.registry.clients", name],
        cwd=ROOT,
        env=peer.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # its clients are of its group
    ) as process:
        try:
            yield Side(process, name, url)  # the end of its input ends it
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # Ctrl-C included: clients may wait for others
            raise


def rounds(
    both: Mapping[str, Side], *, clients: tuple[int, ...], rounds: int, operations: int
) -> Iterator[Pair]:
    """Yield what both sides did, round after round."""
    for number in range(rounds):
        for scene in SCENES:
            for count in clients:
                name = f"{scene.split()[-1]}-{count}-{number}"
                turns = sorted(both, reverse=bool(number % 2))
                found = {turn: both[turn].do(name, scene, count, operations) for turn in turns}
                yield Pair(scene, count, number, found["ours"], found["peer"])
