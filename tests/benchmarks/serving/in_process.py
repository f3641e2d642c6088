"""In one process: the handler beside the limit of the same payload, in turns.

In several processes, for where its memory lies decides for a process's whole life how much of it
the processor's caches hold: `python -m tests.benchmarks.serving.in_process <folder> <plan>` prints
one `Cell` per payload as JSON. Validation, windows and receipt are on, as they always are.

Each call has other rows than the one before: a processor that sees the same few again and again
learns the way through every tree by heart, and no client sends them.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle, permutations, product
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.serving import handler, shared_weights
from tests.benchmarks.serving.environments import ROOT
from tests.benchmarks.serving.limits import Limit, Spelling
from tests.benchmarks.serving.own_readers import OwnReaders
from tests.benchmarks.serving.payloads import Payload, payload
from tidegate.package.archive import read_folder
from tidegate.serving import endpoint

Call = Callable[[], Any]
PROCESSES = 6
# Seconds that the slower side works before it is the other's turn. A container serves one model and
# nothing else; here a side's first calls of a turn bring back what the others drove out of the
# caches, and take up to twice as long. A model that is larger than the caches leaves nothing of
# anybody in them, whose turn it ever is; then short turns are the more exact.
_TURN, _TURN_OF_LARGE = 0.05, 0.004
_CACHES = 32 * 1024**2  # bytes
_MICRO = 1e6
MANY, FEW, LARGE = 32, 8, 1000  # payloads that take turns; few where they have so many rows


@dataclass(frozen=True)
class Plan:
    """What to measure; `seconds` is how long one round of one payload takes.

    `spellings` are those of the limit that an earlier round found to be the fastest, in the order
    of the cells; without them each round looks for them.
    """

    forms: tuple[str, ...]
    rows: tuple[int, ...]
    rounds: int
    seconds: float
    spellings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Round:
    """Microseconds on the CPU per call: medians, and means.

    The means hold what most calls don't do: the window's folds and flushes. `readers` is the limit
    with the handler's own readers of long bodies, 0 where it has none for this one.
    """

    limit: float
    handler: float
    limit_mean: float
    handler_mean: float
    readers: float = 0.0


@dataclass(frozen=True)
class Cell:
    """One payload: its rounds, the fastest spelling of the limit, microseconds in the session.

    `refused` is the handler's answer when it does not answer this payload; then nothing is timed.
    """

    model: str
    form: str
    rows: int
    body_bytes: int
    spelling: str = ""
    session: float = 0.0
    rounds: tuple[Round, ...] = ()
    refused: str = ""


def measure(folder: Path, plan: Plan) -> tuple[Cell, ...]:
    """Return the cells of one model, measured in processes that are bound to one CPU."""
    shares = [len(range(i, plan.rounds, PROCESSES)) for i in range(min(PROCESSES, plan.rounds))]
    first = _in_a_process(folder, replace(plan, rounds=shares[0]))
    known = replace(plan, spellings=tuple(cell.spelling for cell in first))
    later = [_in_a_process(folder, replace(known, rounds=rounds)) for rounds in shares[1:]]
    return tuple(map(_joined, zip(first, *later, strict=True)))


def _in_a_process(folder: Path, plan: Plan) -> tuple[Cell, ...]:
    command = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), sys.executable, "-m"]
    arguments = ["tests.benchmarks.serving.in_process", str(folder), json.dumps(asdict(plan))]
    done = subprocess.run([*command, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found = map(json.loads, done.stdout.splitlines())
    return tuple(
        Cell(**{**one, "rounds": tuple(Round(**each) for each in one["rounds"])}) for one in found
    )


def _joined(cells: Sequence[Cell]) -> Cell:
    """Return the cell of one payload with all of its rounds."""
    rounds = tuple(one for cell in cells for one in cell.rounds)
    session = statistics.median(cell.session for cell in cells)
    return replace(cells[0], rounds=rounds, session=session)


def main(folder: Path, plan: Plan) -> None:
    """Print a JSON line for each payload.

    A round is of all payloads: what the machine has to do beside this comes and goes by the minute,
    and is in a round or two of each of them, not in all of one.
    """
    out, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 - the windows' lines
    os.environ.update(handler.environment(folder))
    is_large = (folder / "model.onnx").stat().st_size > _CACHES
    weights = shared_weights.weights_of(folder / "model.onnx") if is_large else {}
    if weights:
        shared_weights.into_handler(weights)
    limit, contract = Limit(folder, weights), read_folder(folder).contract
    readers = OwnReaders(folder, limit)
    pace = Pace(plan.seconds, _TURN_OF_LARGE if is_large else _TURN)
    asked = list(product(plan.rows, plan.forms))
    spellings = plan.spellings or [""] * len(asked)
    contests = []
    for (rows, form), spelling in zip(asked, spellings, strict=True):
        seeds = range(1, 1 + (MANY if rows < LARGE else FEW))
        sent = [payload(contract, form, rows, seed=seed) for seed in seeds]
        cell = Cell(contract.model, form, rows, len(sent[0].body), spelling)
        contests.append(_Contest(limit, readers, sent, cell, pace))
    gc.collect()
    gc.freeze()  # what was made to measure is not walked by the garbage collector
    for _ in range(plan.rounds):
        for contest in contests:
            contest.go()
    for contest in contests:
        print(json.dumps(asdict(contest.cell())), file=out, flush=True)


@dataclass(frozen=True)
class Pace:
    """Seconds of a round, and of one side's turn in it."""

    seconds: float
    turn: float


class _Contest:
    """The handler beside the limit of one payload."""

    def __init__(
        self,
        limit: Limit,
        readers: OwnReaders,
        asked: Sequence[Payload],
        cell: Cell,
        pace: Pace,
    ) -> None:
        """Find the limit's fastest spelling, and hold both sides' answers against each other."""
        events, bodies = [one.event() for one in asked], [one.body for one in asked]
        context = handler.Context()
        self._limit, self._pace, self._cell = limit, pace, cell
        self._rounds: list[Round] = []
        answers = [endpoint.handle(event, context) for event in events]
        refused = [answer for answer in answers if answer["statusCode"] != 200]
        if refused:
            text = f"{refused[0]['statusCode']}: {refused[0]['body'][:200]}"
            self._cell = replace(cell, refused=text)
            return
        spellings = limit.spellings(cell.form)
        fastest = cell.spelling or _fastest(spellings, bodies, pace.seconds)
        self._cell = replace(cell, spelling=fastest)
        own = readers.spelling(cell.form, cell.rows, bodies[0])
        bare = [spellings[fastest], *filter(None, [own])]
        for run, (body, answer) in product(bare, zip(bodies, answers, strict=True)):
            _compare(run(body), answer)
        event_of = cycle(events)
        self._sides: tuple[Call, ...] = (
            lambda: endpoint.handle(next(event_of), context),
            *(_over(run, bodies) for run in bare),
        )

    def go(self) -> None:
        """Measure one round, unless the handler doesn't answer."""
        if not self._cell.refused:
            self._rounds.append(_round(self._sides, self._pace))

    def cell(self) -> Cell:
        """Return what was found."""
        if self._cell.refused:
            return self._cell
        session = _session(self._limit, self._cell.rows, self._pace.seconds)
        return replace(self._cell, session=session, rounds=tuple(self._rounds))


def _fastest(spellings: dict[str, Spelling], bodies: Sequence[bytes], seconds: float) -> str:
    took: dict[str, list[float]] = {name: [] for name in spellings}
    for name in list(spellings) * 3:
        call = _over(spellings[name], bodies)
        took[name] += _times(call, _calls(call, seconds / 24))
    return min(took, key=lambda name: statistics.median(took[name]))


def _over(run: Spelling, bodies: Sequence[bytes]) -> Call:
    body_of = cycle(bodies)
    return lambda: run(next(body_of))


def _round(sides: Sequence[Call], pace: Pace) -> Round:
    """Measure the handler, the limit, and perhaps the limit with other readers."""
    took: list[list[float]] = [[] for _ in sides]
    # As many calls for each: the first ones after another's turn take up to twice as long, and of
    # a faster side they would be fewer.
    calls = min(_calls(call, pace.turn) for call in sides)
    for turn in _turns(len(sides), pace.seconds):
        took[turn].extend(_times(sides[turn], calls))
    handler, limit, *readers = (statistics.median(times) * _MICRO for times in took)
    means = (statistics.fmean(times) * _MICRO for times in (took[1], took[0]))
    return Round(limit, handler, *means, *readers)


def _turns(sides: int, seconds: float) -> Iterator[int]:
    """Yield the sides in turns, in another order each time: each follows each equally often."""
    end = time.perf_counter() + seconds
    orders = list(permutations(range(sides)))
    random.Random(0).shuffle(orders)
    for order in cycle(orders):
        if time.perf_counter() > end:
            return
        yield from order


def _calls(call: Call, seconds: float) -> int:
    """Return how many calls fill so many seconds: at least two."""
    return max(2, round(seconds / statistics.median(_times(call, 5))))


def _times(call: Call, calls: int) -> list[float]:
    """Return the seconds on the CPU of each of so many calls.

    Neither side waits for anything, so on a machine that does nothing else this is the time that
    passes; on one that others share it does not count what they take.
    """
    clock = time.process_time
    took = []
    for _ in range(calls):
        before = clock()
        call()
        took.append(clock() - before)
    return took


def _session(limit: Limit, rows: int, seconds: float) -> float:
    matrix = np.zeros((rows, len(limit.names)), np.float32)

    def call() -> Any:
        return limit.scores(matrix)

    return statistics.median(_times(call, _calls(call, seconds / 4))) * _MICRO


def _compare(expected: bytes, answer: dict[str, Any]) -> None:
    """Raise unless both gave the same scores."""
    wanted = json.loads(expected)["predictions"]
    if not np.allclose(wanted, handler.scores(answer), atol=1e-5):
        raise RuntimeError("the handler and the limit give different scores")


if __name__ == "__main__":
    given = json.loads(sys.argv[2])
    main(Path(sys.argv[1]), Plan(**given))
