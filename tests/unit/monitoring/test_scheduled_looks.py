"""The monitor: once per schedule time, nothing lost between looks, each release for itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.fakes import made, weather
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.ledger import MemoryLedger
from tests.fakes.signer import FakeSigner
from tests.fakes.weather import CONTRACT, NOON
from tidegate.errors import CorruptRecordError, NotFoundError
from tidegate.monitoring.monitor import LEAST_SETTLE, Monitor, scheduled_time
from tidegate.monitoring.report import report_from_json
from tidegate.project import (
    GovernorPolicy,
    Holdout,
    MonitorPolicy,
    Project,
    ReleasePolicy,
    Serving,
    Training,
)
from tidegate.registry.book import Registry
from tidegate.windows.values import Label, Window

MODEL = "iris"
REFERENCE = weather.reference()
PROJECT = Project(
    root=Path("models/iris"),
    contract=CONTRACT,
    owner="ann",
    contact="ann@example.com",
    cost_center="1",
    description="",
    holdout=Holdout(),
    training=Training(),
    gates=(),
    serving=Serving(),
    release=ReleasePolicy(),
    monitor=MonitorPolicy(min_rows=100),
    governor=GovernorPolicy(),
)


@dataclass
class Deployed:
    """The catalog's questions, answered from memory."""

    registry: Registry
    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)

    def project(self, _: str) -> Project:
        return PROJECT

    def package(self, _model: str, _digest: str) -> SimpleNamespace:
        return SimpleNamespace(reference=REFERENCE, contract=CONTRACT)


@dataclass
class World:
    registry: Registry
    catalog: Deployed
    ledger: MemoryLedger
    monitor: Monitor

    def promote(self, release: str, letter: str) -> None:
        version = self.registry.register(
            MODEL, made.draft(letter), FakeSigner(), at=made.START, actor="ann", request_id=letter
        )
        begun = self.registry.begin_release(
            made.release(release, version.number), lease=timedelta(hours=1), at=made.START
        )
        begun = replace(
            begun, state="promoted", weight=100, function_version=str(1 + version.number)
        )
        self.registry.finish_release(begun, at=made.START)

    def serve(self, rows: int, *, at: datetime, seed: int = 5, shift: float = 0.0) -> None:
        frame = weather.day(np.random.default_rng(seed), rows)
        frame["wind"] = frame["wind"] + shift
        pointer = self.registry.pointer(MODEL, "champion")
        assert pointer is not None
        window = weather.window(REFERENCE, frame, end=at, release=pointer.release, id=f"{at}")
        self.ledger.put_windows([replace(window, model=MODEL, version=int(pointer.target))])

    def tell(self, labels: int, *, before: datetime, release: str = "r-1") -> None:
        """Store labels of predictions that came evenly in the minute `before` a moment."""
        moments = (before - timedelta(minutes=(i + 0.5) / labels) for i in range(labels))
        self.ledger.put_labels(
            [Label(MODEL, 1, release, f"{release} {m}", 0, m, m, (0.5,), "late") for m in moments]
        )


@pytest.fixture
def world() -> World:
    registry, _ = made.registry()
    catalog, ledger = Deployed(registry), MemoryLedger()
    monitor = Monitor(catalog, ledger, time_scale=1 / 240)  # type: ignore[arg-type]
    return World(registry, catalog, ledger, monitor)


def later(minutes: float) -> datetime:
    return made.START + timedelta(minutes=minutes)


def test_nothing_is_looked_at_before_the_first_release(world: World) -> None:
    assert world.monitor.look_at(MODEL, at=NOON) is None


def test_a_model_that_was_never_pushed_has_the_usual_cadence(world: World) -> None:
    def missing(_: str) -> Project:
        raise NotFoundError("no code was pushed")

    world.catalog.project = missing  # type: ignore[method-assign]
    assert world.monitor.cadence("rose") == timedelta(seconds=15)
    assert world.monitor.look_at("rose", at=NOON) is None


def test_the_same_schedule_event_five_times_makes_one_report(world: World) -> None:
    world.promote("r-1", "a")
    world.serve(400, at=later(1))
    found = [world.monitor.look_at(MODEL, at=later(2)) for _ in range(5)]
    assert len({look.report for look in found if look}) == 1
    assert len(world.registry.reports(MODEL)) == 1
    kinds = [event.kind for event in world.registry.events(MODEL)]
    assert kinds.count("DriftReported") == 1
    assert len(world.catalog.artifacts.list("reports/")) == 1


def test_a_look_that_was_stored_and_not_recorded_is_recorded_as_it_was_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no answer")

    world.promote("r-1", "a")
    world.serve(400, at=later(1))
    with monkeypatch.context() as broken:
        broken.setattr(world.registry, "report_drift", fail)
        with pytest.raises(RuntimeError, match="no answer"):
            world.monitor.look_at(MODEL, at=later(2))
    world.serve(400, at=later(1.5), shift=50)  # a window that came late
    look = world.monitor.look_at(MODEL, at=later(2))
    assert look is not None
    (recorded,) = world.registry.reports(MODEL)
    stored = json.loads(world.catalog.artifacts.get(recorded.key))["report"]
    assert look.report == recorded
    assert (recorded.verdict, recorded.rows) == (stored["verdict"], stored["rows"])
    assert (recorded.verdict, recorded.rows) == ("no_drift", 400)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"[" * 100_000, b'{"report": {"columns": []}}'], ids=len
)
def test_what_is_no_report_of_a_look_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptRecordError, match="no report"):
        report_from_json(content)


def test_rows_that_were_too_few_count_in_the_next_look(world: World) -> None:
    world.promote("r-1", "a")
    verdicts = []
    for minute in range(1, 6):
        world.serve(150, at=later(minute), seed=5)
        look = world.monitor.look_at(MODEL, at=later(minute + 0.5))
        assert look is not None
        verdicts.append((look.report.verdict, look.report.rows))
    assert verdicts == [
        ("insufficient_data", 150),
        ("insufficient_data", 300),
        ("no_drift", 450),
        ("insufficient_data", 150),
        ("insufficient_data", 300),
    ]


def test_every_window_is_in_exactly_one_judged_look(world: World) -> None:
    world.promote("r-1", "a")
    for minute in range(1, 5):
        world.serve(400, at=later(minute))
    looks = [
        world.monitor.look_at(MODEL, at=later(minute) + LEAST_SETTLE) for minute in range(2, 6)
    ]
    assert [look.report.rows for look in looks if look] == [400, 400, 400, 400]


def test_windows_on_their_way_are_left_for_the_next_look(world: World) -> None:
    world.promote("r-1", "a")
    world.serve(400, at=later(1))
    look = world.monitor.look_at(MODEL, at=later(1) + timedelta(seconds=1))
    assert look is not None
    assert look.report.rows == 0


def test_drift_is_confirmed_by_the_second_finding_and_forgotten_by_the_next_release(
    world: World,
) -> None:
    world.promote("r-1", "a")
    confirmed = []
    for minute in (1, 2):
        world.serve(400, at=later(minute), shift=12)
        look = world.monitor.look_at(MODEL, at=later(minute + 0.5))
        assert look is not None
        confirmed.append(look.to_metrics()["DriftConfirmed"])
    assert confirmed == [0.0, 1.0]
    world.promote("r-2", "b")
    world.serve(400, at=later(3), shift=12)
    look = world.monitor.look_at(MODEL, at=later(3.5))
    assert look is not None
    assert look.report.verdict == "drift"
    assert look.report.rows == 400
    assert not look.report.confirmed


@pytest.mark.parametrize(
    ("told", "beside", "coverage"),
    [
        pytest.param(2000, 0, 1.0, id="all labelled"),
        pytest.param(2000, 2000, 1.0, id="beside another release"),
        pytest.param(1000, 4000, 0.5, id="half labelled, beside more of another release"),
        pytest.param(100, 10, 0.05, id="all labels read"),
    ],
)
def test_coverage_is_of_the_time_whose_labels_were_read(
    world: World, told: int, beside: int, coverage: float
) -> None:
    world.promote("r-1", "a")
    for minute in (1, 2, 3, 4):
        world.serve(2000, at=later(minute))
        world.tell(told, before=later(minute))
        world.tell(beside, before=later(minute), release="r-2")
    look = world.monitor.look_at(MODEL, at=later(4) + LEAST_SETTLE + timedelta(seconds=1))
    assert look is not None
    assert look.coverage == pytest.approx(coverage, abs=0.001)


def test_labels_of_more_than_a_day_say_nothing_of_the_rows_before_it(world: World) -> None:
    world.promote("r-1", "a")
    for minute in (1, 9):
        world.serve(2000, at=later(minute))
        world.tell(2500, before=later(minute))
    look = world.monitor.look_at(MODEL, at=later(10))
    assert look is not None
    assert look.coverage == 1.0


def test_coverage_is_at_most_one_though_a_window_was_lost(world: World) -> None:
    world.promote("r-1", "a")
    world.serve(1000, at=later(1))
    world.tell(3000, before=later(1))
    look = world.monitor.look_at(MODEL, at=later(2))
    assert look is not None
    assert look.coverage == 1.0


def test_a_look_is_named_by_its_schedule_or_by_its_slot() -> None:
    every = timedelta(minutes=5)
    given = scheduled_time("2026-11-22T12:03:00Z", now=NOON, every=every)
    assert (given.hour, given.minute) == (12, 3)
    names = {
        scheduled_time(
            "<aws.scheduler.scheduled-time>", now=NOON + timedelta(seconds=s), every=every
        )
        for s in (0, 7, 299)
    }
    assert names == {NOON}


def test_a_window_of_another_layout_is_refused(world: World) -> None:
    world.promote("r-1", "a")
    odd = Window(
        "x", MODEL, 1, "r-1", later(0), later(1), rows=1, columns={"else": REFERENCE.score.counts}
    )
    world.ledger.put_windows([odd])
    with pytest.raises(Exception, match="column else is not in the reference"):
        world.monitor.look_at(MODEL, at=later(2))
