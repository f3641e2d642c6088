"""The story: data -> train -> serve -> canary -> a bad release -> drift -> retrain -> canary.

Every step is an ordinary command on the deployed environment; nothing is simulated but the
passing of time. What was reached before is found and used: a second telling trains only what is
new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tidegate.client import Api
from tidegate.client.api import RETRIES
from tidegate.clock import utc_now
from tidegate.governance.automation import ON, paused
from tidegate.governance.workflows import ReleaseOrder, TrainingOrder
from tidegate.project import Param, Project
from tidegate.registry.values import Event
from tidegate_cli import code, data, workflows
from tidegate_cli.cloud import Cloud
from tidegate_cli.demo.facts import Teller
from tidegate_cli.demo.narrator import Narrator, StoryError
from tidegate_cli.demo.replay import Replay, Tally, batches
from tidegate_cli.identity import actor
from tidegate_cli.switching import turn

MODEL = "flight-delay"
GROUP = "origin"
BAD_WEIGHT = (
    6.0  # trains as if every late flight stood for six: scores far too high, ranking intact
)
OVERRIDE = "demo: the gate is overridden by hand to see what the canary makes of it"
BY_HAND = "demo: versions 1 to 3 are asked for by hand"
DONE_BY_HAND = "demo: nothing more is asked for by hand"
DAYS = {  # [since, until) of each piece of the story
    "first data": (date(2013, 1, 1), date(2013, 3, 1)),
    "march": (date(2013, 3, 1), date(2013, 4, 1)),
    "second canary": (date(2013, 4, 1), date(2013, 4, 21)),
    "bad canary": (date(2013, 4, 21), date(2013, 5, 1)),
    "nightly loads": (date(2013, 4, 1), date(2013, 7, 16)),
    "july": (date(2013, 7, 1), date(2013, 8, 16)),
}
RATE = 50.0  # requests a second while a canary is judged
ROWS = 8  # in each of those: many small requests say more than few large ones
ALL_ROWS = 1000  # of an airport in an hour, in one request
ALARM_SECONDS = 30.0


@dataclass
class Story:
    """One telling, on one environment."""

    cloud: Cloud
    project: Project
    client: Api  # for predictions: what fails is to be seen
    patient: Api  # for outcomes: these are late anyway, and may be tried again
    teller: Teller
    narrator: Narrator

    def run(self) -> None:
        """Tell all chapters; raise `StoryError` where the story breaks."""
        self.prepare()
        with self._governor_paused():
            self.push_first_data()
            self.train_first_version()
            self.serve_march()
            self.release_second_version()
            self.try_bad_release()
            self.push_nightly_loads()
        self.meet_july()

    # -- chapters

    def prepare(self) -> None:
        """Push the code, and on a second telling give the first version its place back."""
        code.push(self.cloud, self.project, actor=actor(), at=utc_now())
        champion = self.cloud.registry.champion(MODEL)
        if champion is not None and champion.number != 1:
            workflows.roll_back(self.cloud, MODEL, version=1, reason="demo: the story begins again")
            self.narrator.catch_up()

    def push_first_data(self) -> None:
        """Chapter 1."""
        self.teller.open_chapter("Data: two months of departures from New York")
        self._push("first data")

    def train_first_version(self) -> None:
        """Chapter 2."""
        self.teller.open_chapter("Training: from a function to a released version")
        self._train("first training", until=DAYS["first data"][1])
        champion = self.cloud.registry.champion(MODEL)
        if champion is None:
            self._await_release()
        else:
            self.teller.tell(f"version {champion.number} is champion", champion=champion.number)

    def serve_march(self) -> None:
        """Chapter 3."""
        self.teller.open_chapter("Serving: March, predicted in order; outcomes come back later")
        replay = self._replay("march").start()
        while replay.running:
            self.teller.waiting(f"{replay.tally.day}: {replay.tally.rows:,} flights predicted")
            replay.wait(0.3)
        self._tell_traffic(replay.finish())

    def release_second_version(self) -> None:
        """Chapter 4."""
        self.teller.open_chapter("Progressive delivery: version 2 earns its traffic")
        self._push("march")
        with self._traffic("second canary"):
            self._train("March is known now", until=DAYS["march"][1])
            self._await_release()

    def try_bad_release(self) -> None:
        """Chapter 5."""
        self.teller.open_chapter("A bad release: fast, without errors, and wrong")
        params: dict[str, Param] = {"positive_weight": self._new_bad_weight()}
        number = self._train("a bad idea", until=DAYS["march"][1], params=params, release="none")
        self.cloud.registry.approve(
            MODEL, number=number, at=utc_now(), actor=actor(), override=OVERRIDE
        )
        with self._traffic("bad canary"):
            self._release(number, OVERRIDE)
            end = self._await_release(wanted=("ReleaseRolledBack",))
        self.teller.tell(f"[green]the judge rolled it back by itself[/]: {end.reason}")

    def push_nightly_loads(self) -> None:
        """Chapter 6, before the governor may act: a retraining sees all of them or none."""
        self.teller.open_chapter("Drift: the summer storms of July")
        self._push("nightly loads")

    def meet_july(self) -> None:
        """Chapter 6, with the governor at work."""
        began = self.teller.elapsed
        with self._traffic("july") as replay:
            alive = self._needs(replay)
            self.narrator.until(
                lambda e: e.kind == "DriftReported" and bool(e.evidence.get("confirmed")),
                "the scheduled monitor to confirm drift",
                alive=alive,
            )
            found = self.teller.elapsed
            self._tell_alarm()
            self.narrator.until(
                lambda e: e.kind == "GovernorDecided" and e.evidence.get("action") == "retrain",
                "the governor's decision",
                alive=alive,
            )
            self._await_release()
        ended = self.teller.elapsed
        self.teller.tell(
            f"[bold green]drift to new champion: {ended - found:.0f} s[/] "
            f"(from the first July flight: {ended - began:.0f} s)",
            drift_to_champion_seconds=round(ended - found, 1),
        )

    # -- steps

    @contextmanager
    def _governor_paused(self) -> Iterator[None]:
        """Let drift start nothing meanwhile: April's, on a slow machine, would be answered too."""
        turn(self.cloud, paused(actor(), BY_HAND), why=BY_HAND)
        self.narrator.catch_up()
        try:
            yield
        finally:
            turn(self.cloud, ON, why=DONE_BY_HAND)
        self.narrator.catch_up()

    def _push(self, piece: str) -> None:
        since, until = DAYS[piece]
        files = data.load(self.project, since=since.isoformat(), until=until.isoformat())
        result = data.push(self.cloud, self.project, files)
        self.teller.tell(
            f"pushed {since:%d %B} to {until:%d %B}: {result.uploaded} new files, "
            f"{result.unchanged} unchanged, {result.rows:,} rows",
            uploaded=result.uploaded,
            rows=result.rows,
        )

    def _train(
        self,
        reason: str,
        *,
        until: date,
        params: dict[str, Param] | None = None,
        release: str = "auto",
    ) -> int:
        order = TrainingOrder(
            model=MODEL,
            run=workflows.new_run(MODEL, utc_now()),
            actor=actor(),
            reason=reason,
            params=params or {},
            data_until=until.isoformat(),
            release="auto" if release == "auto" else "none",
        )
        arn = workflows.train(self.cloud, order)
        outcome = workflows.follow(self.cloud, arn, on_state=self._hear)
        self.narrator.catch_up()
        if outcome.status != "SUCCEEDED":
            raise StoryError(
                f"training {order.run} {outcome.status}: {outcome.error} {outcome.cause}"
            )
        number = self.cloud.registry.run(MODEL, order.run).version
        self._tell_version(number, outcome.seconds)
        return number

    def _hear(self, state: str, _: float) -> None:
        self.teller.waiting(f"training: {state}")
        self.narrator.catch_up()

    def _tell_version(self, number: int, seconds: float) -> None:
        version = self.cloud.registry.version(MODEL, number)
        metrics = ", ".join(
            f"{name} {value:.4f}" for name, value in sorted(version.metrics.items())
        )
        lineage = version.lineage
        self.teller.tell(
            f"version {number}: {metrics}; data {lineage.data_digest[:8]}, code "
            f"{lineage.code_digest[:8]}, package {version.package_digest[:8]} ({seconds:.0f} s)",
            version=number,
            package=version.package_digest,
            **version.metrics,
        )
        for gate in version.gates:
            mark = "[green]passed[/]" if gate.passed else "[red]failed[/]"
            self.teller.tell(f"gate {mark}: {gate.reason}", gate=gate.metric, passed=gate.passed)

    def _release(self, number: int, reason: str) -> None:
        release = workflows.new_release(MODEL, number, utc_now())
        order = ReleaseOrder(
            model=MODEL, version=number, release=release, actor=actor(), reason=reason
        )
        workflows.release(self.cloud, order)

    def _await_release(self, wanted: tuple[str, ...] = ("ReleasePromoted",)) -> Event:
        ends = {"ReleasePromoted", "ReleaseRolledBack", "ReleaseFailed"}
        end = self.narrator.until(lambda e: e.kind in ends, "the release to end")
        if end.kind not in wanted:
            raise StoryError(f"the release ended as {end.kind}: {end.reason}")
        return end

    def _tell_alarm(self) -> None:
        name = self.cloud.settings.names.drift_alarm(MODEL)
        limit = time.monotonic() + ALARM_SECONDS
        state = ""
        while state != "ALARM" and time.monotonic() < limit:
            self.teller.waiting("waiting for the alarm")
            found = self.cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])
            state = "".join(alarm["StateValue"] for alarm in found["MetricAlarms"])
            time.sleep(0.3)
        if state != "ALARM":
            raise StoryError(f"alarm {name} is {state or 'missing'}, not ALARM")
        self.teller.tell(f"alarm {name}: [bold red]{state}[/]", alarm=name, state=state)

    def _new_bad_weight(self) -> float:
        tried = [
            v.lineage.params.get("positive_weight") for v in self.cloud.registry.versions(MODEL)
        ]
        weight = BAD_WEIGHT
        while weight in tried:
            weight += 0.5
        return weight

    # -- traffic

    def _replay(self, piece: str, *, rate: float = 0.0, most: int = ALL_ROWS) -> Replay:
        since, until = DAYS[piece]
        files = data.load(self.project, since=since.isoformat(), until=until.isoformat())
        source = batches(self.project.contract, files, group=GROUP, most=most)
        return Replay(self.client, MODEL, source, patient=self.patient, per_second=rate)

    @contextmanager
    def _traffic(self, piece: str) -> Iterator[Replay]:
        replay = self._replay(piece, rate=RATE, most=ROWS).start()
        try:
            yield replay
        finally:
            tally = replay.stop()
        self._tell_traffic(tally)

    def _needs(self, replay: Replay) -> Callable[[], str]:
        return lambda: "" if replay.running else "the traffic has ended"

    def _tell_traffic(self, tally: Tally) -> None:
        shares = ", ".join(f"version {v}: {n:,}" for v, n in sorted(tally.versions.items()))
        failed = ", ".join(f"{n} x {status}" for status, n in sorted(tally.failures.items()))
        self.teller.tell(
            f"{tally.requests:,} requests, {tally.rows:,} flights to {tally.day} ({shares}); "
            f"{failed or 'none failed'}; {tally.labels:,} outcomes fed back",
            requests=tally.requests,
            failures=sum(tally.failures.values()),
            labels=tally.labels,
        )


def tell(cloud: Cloud, project: Project, teller: Teller) -> Story:
    """Tell the story on a deployed environment; return it for the table at the end."""
    narrator = Narrator(cloud.registry, MODEL, teller)
    with cloud.http() as client, cloud.http(retries=RETRIES) as patient:
        story = Story(cloud, project, client, patient, teller, narrator)
        story.run()
    return story


def facts_file(root: Path) -> Path:
    """Return where a telling's facts are kept."""
    return root / ".tidegate" / "demo.jsonl"
