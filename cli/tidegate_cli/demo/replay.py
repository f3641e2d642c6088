"""Replay: real departures sent to the endpoint in their order, and their outcomes later.

rows by hour and airport -> requests -> answers -> feedback when the day is over
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import groupby

from tidegate.client import Answer, Api
from tidegate.contract import Contract
from tidegate_cli.data import DataFile
from tidegate_cli.rows import read_csv

IN_FLIGHT = 4
FEEDBACK_BATCH = 900


@dataclass(frozen=True)
class Batch:
    """Departures of one airport in one hour, with what came of them."""

    day: str
    records: list[dict[str, object]]
    labels: list[str]


def batches(
    contract: Contract, files: Iterable[DataFile], *, group: str, most: int
) -> Iterator[Batch]:
    """Yield rows in time order: by hour, then by the column `group`, at most `most` at a time."""
    for file in files:
        rows = read_csv(contract, file.data)
        rows.sort(key=lambda row: (row.time[:13], str(row.record[group])))
        for (hour, _), same in groupby(rows, key=lambda row: (row.time[:13], row.record[group])):
            together = list(same)
            for at in range(0, len(together), most):
                part = together[at : at + most]
                yield Batch(hour[:10], [row.record for row in part], [row.label for row in part])


@dataclass(frozen=True)
class Outcome:
    """What came of all rows of one answer."""

    receipt: str
    labels: list[str]


@dataclass
class Tally:
    """What the traffic met; written by the replaying thread alone."""

    requests: int = 0
    rows: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    labels: int = 0
    day: str = ""
    seconds: float = 0.0


class Replay:
    """Traffic in the background, from `start` until `stop` or until the batches end."""

    def __init__(
        self,
        client: Api,
        model: str,
        source: Iterator[Batch],
        *,
        patient: Api,
        per_second: float = 0.0,
    ) -> None:
        """Send `source` to `model` by `client`, and outcomes by the `patient` one.

        `per_second` bounds the requests (0: no bound).
        """
        self._client, self._model, self._source = client, model, source
        self._patient = patient
        self._pause = 1.0 / per_second if per_second else 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self._outcomes: deque[Outcome] = deque()
        self._due = 0  # labels in them
        self.tally = Tally()
        self.error: BaseException | None = None

    def start(self) -> Replay:
        """Begin to send."""
        self._thread.start()
        return self

    def stop(self) -> Tally:
        """End the traffic, deliver the outcomes that are due, and return the tally."""
        self._stopped.set()
        return self.finish()

    def finish(self) -> Tally:
        """Wait until every batch is answered; raise what ended the thread early."""
        while self._thread.is_alive():
            self._thread.join(0.2)  # short, so that Ctrl-C is heard
        if self.error is not None:
            raise self.error
        return self.tally

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or earlier when the traffic ends."""
        self._thread.join(seconds)

    @property
    def running(self) -> bool:
        """Whether traffic still flows."""
        return self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            with ThreadPoolExecutor(IN_FLIGHT) as pool:
                self._send_all(pool)
            self._give_feedback(0)
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits
            self.error = error
        self.tally.seconds = time.monotonic() - began

    def _send_all(self, pool: ThreadPoolExecutor) -> None:
        flying: dict[Future[Answer], Batch] = {}
        due = time.monotonic()
        for batch in self._source:
            if self._stopped.wait(max(0.0, due - time.monotonic())):
                break
            due = max(due + self._pause, time.monotonic() - self._pause)
            if batch.day != self.tally.day:
                self._give_feedback(FEEDBACK_BATCH)
                self.tally.day = batch.day
            if len(flying) >= IN_FLIGHT:
                self._collect(flying, wait(flying, return_when=FIRST_COMPLETED).done)
            call = pool.submit(self._client.predict, self._model, records=batch.records)
            flying[call] = batch
        self._collect(flying, wait(flying).done)

    def _collect(self, flying: dict[Future[Answer], Batch], done: set[Future[Answer]]) -> None:
        for call in done:
            batch, answer = flying.pop(call), call.result()
            self.tally.requests += 1
            self.tally.rows += len(batch.records)
            if answer.status != 200:
                self.tally.failures[str(answer.status)] += 1
                continue
            self.tally.versions[int(answer.body["version"])] += 1
            receipt = answer.body["receipt"]
            self._due += len(batch.labels)
            self._outcomes.append(Outcome(receipt, batch.labels))

    def _give_feedback(self, floor: int) -> None:
        while self._due > floor:
            part: list[Outcome] = []
            size = 0
            while self._outcomes and size + len(self._outcomes[0].labels) <= FEEDBACK_BATCH:
                part.append(self._outcomes.popleft())
                size += len(part[-1].labels)
            self._due -= size
            answer = self._patient.feedback(self._model, [asdict(outcome) for outcome in part])
            answer.raise_for_error()
            self.tally.labels += int(answer.body["stored"])
