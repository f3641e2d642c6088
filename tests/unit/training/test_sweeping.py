"""What dead trainings leave is ended or removed; what a live one is about to use is not touched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from tests.fakes import made
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.executions import ABORTED, RUNNING, MemoryExecutions
from tests.fakes.made import START, digest, later
from tests.fakes.stock import MemoryStock
from tidegate.package import keys
from tidegate.registry.book import Registry
from tidegate.registry.executions import Execution
from tidegate.registry.values import Event, Version
from tidegate.training import sweeping
from tidegate.training.sweeping import Ground, Stored, Swept, sweep

MODEL, RUN = "iris", "iris-20261122T100000-0001"  # the run that `made.draft` names
HOUR = 3600.0
NOTHING = Swept((), (), ())


@dataclass
class World:
    registry: Registry
    announcer: FakeAnnouncer
    executions: MemoryExecutions = field(default_factory=MemoryExecutions)
    stock: MemoryStock = field(default_factory=MemoryStock)

    def sweep(self, seconds: float, *, time_scale: float = 1.0) -> Swept:
        ground = Ground(self.registry, self.executions, self.stock, time_scale)
        return sweep(MODEL, ground, later(seconds))

    def start(self, run: str = RUN, at: float = 0.0, execution: Execution | None = RUNNING) -> str:
        begun = replace(made.run(run), started=later(at))
        self.registry.start_run(begun, at=later(at))
        if execution is not None:
            self.executions.trainings[run] = execution
        return run

    def reserve(self, letter: str = "a", at: float = 0.0) -> Version:
        return self.registry.reserve(
            MODEL, made.draft(letter), at=later(at), actor="t", request_id=f"run-{letter}"
        )

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.registry.events(MODEL) if event.kind == kind]


@pytest.fixture
def world() -> World:
    return World(*made.registry())


# -- runs


@pytest.mark.parametrize(
    ("execution", "why"),
    [
        (ABORTED, "its workflow has ABORTED: stopped by hand"),
        (Execution("TIMED_OUT"), "its workflow has TIMED_OUT"),
        (Execution("FAILED", "States.Runtime"), "its workflow has FAILED: States.Runtime"),
        (Execution("SUCCEEDED"), "its workflow has SUCCEEDED"),
        (None, "its workflow does not exist"),
    ],
    ids=["aborted", "timed out", "failed", "succeeded", "missing"],
)
def test_a_run_whose_workflow_does_not_run_any_more_has_failed(
    world: World, execution: Execution | None, why: str
) -> None:
    world.start(execution=execution)

    assert world.sweep(HOUR).runs == (RUN,)
    run = world.registry.run(MODEL, RUN)
    assert (run.state, run.error, run.finished) == ("failed", why, later(HOUR))
    assert [event.actor for event in world.told("RunFailed")] == ["sweep"]
    assert world.sweep(2 * HOUR) == NOTHING
    assert len(world.told("RunFailed")) == 1


@pytest.mark.parametrize(
    "execution", [RUNNING, Execution("PENDING_REDRIVE")], ids=lambda e: e.status
)
def test_a_run_whose_workflow_runs_stays(world: World, execution: Execution) -> None:
    world.start(execution=execution)
    assert world.sweep(1000 * HOUR) == NOTHING
    assert world.registry.run(MODEL, RUN).state == "running"


@pytest.mark.parametrize(
    ("time_scale", "young", "old"), [(1.0, 299, 301), (1 / 240, 9, 11)], ids=["aws", "local"]
)
def test_a_run_that_just_began_is_left_alone(
    world: World, time_scale: float, young: float, old: float
) -> None:
    world.start(execution=None)
    assert world.sweep(young, time_scale=time_scale).runs == ()
    assert world.sweep(old, time_scale=time_scale).runs == (RUN,)


def test_a_run_that_records_its_own_end_meanwhile_keeps_it(world: World) -> None:
    world.start(execution=Execution("SUCCEEDED"))
    world.executions.looked.append(
        lambda: world.registry.finish_run(MODEL, run=RUN, state="succeeded", at=later(1), version=1)
    )
    assert world.sweep(HOUR).runs == ()
    assert world.registry.run(MODEL, RUN).state == "succeeded"


# -- versions


def test_a_version_whose_registration_died_becomes_failed_and_its_number_is_not_reused(
    world: World,
) -> None:
    world.start(execution=ABORTED)
    stuck = world.reserve("a")

    assert world.sweep(HOUR + 1).versions == (stuck.number,)
    assert world.registry.version(MODEL, stuck.number).status == "failed"
    assert world.reserve("b", at=HOUR + 2).number == stuck.number + 1
    assert world.sweep(HOUR + 3).versions == ()


def test_a_version_that_is_being_registered_stays(world: World) -> None:
    world.start(execution=RUNNING)
    stuck = world.reserve("a")
    assert world.sweep(100 * HOUR).versions == ()
    assert world.registry.version(MODEL, stuck.number).status == "pending"


@pytest.mark.parametrize(
    ("time_scale", "young", "old"),
    [(1.0, HOUR - 1, HOUR + 1), (1 / 240, 179, 181)],
    ids=["aws", "local"],
)
def test_a_pending_version_has_its_grace(
    world: World, time_scale: float, young: float, old: float
) -> None:
    world.start(execution=ABORTED)
    world.reserve("a")
    assert world.sweep(young, time_scale=time_scale).versions == ()
    assert world.sweep(old, time_scale=time_scale).versions == (1,)


# -- packages


def test_a_package_that_nothing_refers_to_is_removed_after_its_grace(world: World) -> None:
    stored = world.stock.store(digest("f"), START)

    assert world.sweep(HOUR - 1) == NOTHING
    assert world.stock.objects == [stored]
    assert world.sweep(HOUR + 1).orphans == (stored.key,)
    assert world.stock.objects == []
    (told,) = world.told("OrphanRemoved")
    assert told.actor == "sweep"
    assert told.subject == f"package:{'f' * 12}"
    assert told.evidence == {"key": stored.key, "objects": 1}
    assert told.reason == ("no version and no run refers to it; stored before 2026-11-22T10:00:01Z")
    assert world.sweep(HOUR + 2) == NOTHING


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_package_that_a_version_refers_to_stays(world: World, status: str) -> None:
    world.start(execution=RUNNING if status == "pending" else ABORTED)
    world.reserve("a")
    world.stock.store(digest("a"), START)

    world.sweep(100 * HOUR)
    assert world.registry.version(MODEL, 1).status == status
    assert world.sweep(200 * HOUR).orphans == ()
    assert len(world.stock.objects) == 1


def test_a_package_of_a_run_under_way_stays_however_long_it_takes(world: World) -> None:
    world.start(execution=RUNNING, at=10)
    world.stock.store(digest("f"), later(20))

    assert world.sweep(1000 * HOUR) == NOTHING
    world.executions.trainings[RUN] = ABORTED
    assert world.sweep(1001 * HOUR).orphans == (keys.package_file(MODEL, digest("f")),)


def test_a_package_from_before_the_run_under_way_is_no_package_of_it(world: World) -> None:
    world.stock.store(digest("f"), START)
    skew = sweeping.SKEW.total_seconds()
    world.start(execution=RUNNING, at=skew + 1)
    assert len(world.sweep(2 * HOUR).orphans) == 1


def test_clocks_that_differ_a_little_cost_no_package(world: World) -> None:
    world.stock.store(digest("f"), START)
    world.start(execution=RUNNING, at=sweeping.SKEW.total_seconds() - 1)
    assert world.sweep(2 * HOUR).orphans == ()


def test_a_package_stored_anew_by_a_run_that_begins_meanwhile_survives(world: World) -> None:
    """The same training again makes the same bytes: the old object was judged, not the new one."""
    world.stock.store(digest("f"), START)
    now = 2 * HOUR

    def begin_and_store() -> None:
        world.start(execution=RUNNING, at=now)
        world.stock.store(digest("f"), later(now))

    world.stock.listed.append(begin_and_store)
    world.sweep(now)

    assert [stored.modified for stored in world.stock.objects] == [later(now)]


def test_a_version_reserved_right_before_the_removal_keeps_its_package(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = world.stock.store(digest("a"), START)
    read = world.registry.runs

    def reserve_after_reading(model: str, limit: int = 50) -> object:
        found = read(model, limit)
        if limit == sweeping.RECENT_RUNS and world.registry.meta(MODEL).counter == 0:
            looks.append(model)
            if len(looks) == 2:  # the look that decides on packages
                world.reserve("a", at=2 * HOUR)
        return found

    looks: list[str] = []
    monkeypatch.setattr(world.registry, "runs", reserve_after_reading)

    assert world.sweep(2 * HOUR).orphans == ()
    assert world.stock.objects == [stored]
    assert world.registry.version(MODEL, 1).status == "pending"


def test_every_object_version_of_an_orphan_goes_oldest_first(world: World) -> None:
    removed: list[str] = []
    for seconds in (30, 10, 20):
        world.stock.store(digest("f"), later(seconds))
    take = world.stock.remove
    world.stock.remove = lambda stored: (removed.append(stored.version_id), take(stored))[1]  # type: ignore[method-assign]

    assert world.sweep(HOUR + 60).orphans == (keys.package_file(MODEL, digest("f")),)
    assert removed == ["v2-100010", "v3-100020", "v1-100030"]


def test_a_model_that_lies_apart_goes_and_stays_with_its_package(world: World) -> None:
    world.start(execution=ABORTED)
    world.reserve("a")
    used, orphan = (keys.model_file(MODEL, digest(name), "0" * 64) for name in "af")
    world.stock.put(used, START)
    world.stock.put(orphan, START)

    assert world.sweep(HOUR + 60).orphans == (orphan,)
    assert [stored.key for stored in world.stock.objects] == [used]
    (told,) = world.told("OrphanRemoved")
    assert told.subject == f"package:{'f' * 12}"


@pytest.mark.parametrize(
    "key",
    [
        f"packages/iris/{'f' * 64}/README.onnx",
        "packages/iris/README.txt",
        "packages/iris/abc.zip",
        f"packages/iris/{'G' * 64}.zip",
    ],
)
def test_what_is_not_named_by_a_digest_is_left_to_whoever_put_it_there(
    world: World, key: str
) -> None:
    world.stock.put(key, START)
    assert world.sweep(100 * HOUR) == NOTHING


def test_packages_of_another_model_are_not_judged_by_this_one(world: World) -> None:
    world.stock.store(digest("f"), START, model="iris-2")
    assert world.sweep(100 * HOUR) == NOTHING


def test_two_sweeps_at_once_remove_an_orphan_once(world: World) -> None:
    world.stock.store(digest("f"), START)
    world.stock.store(digest("e"), START)
    other: list[Swept] = []
    take = world.stock.remove

    def remove(stored: Stored) -> None:
        world.stock.remove = take  # type: ignore[method-assign]
        take(stored)
        other.append(world.sweep(2 * HOUR))

    world.stock.remove = remove  # type: ignore[method-assign]
    mine = world.sweep(2 * HOUR)

    assert world.stock.objects == []
    assert [len(mine.orphans), len(other[0].orphans)] == [1, 1]
    assert len(world.told("OrphanRemoved")) == 2


def test_a_day_of_sweeps_over_a_healthy_model_writes_nothing(world: World) -> None:
    world.start(execution=RUNNING)
    world.stock.store(digest("a"), START)
    world.reserve("a")
    before = world.registry.meta(MODEL).rev
    for hour in range(1, 25):
        assert world.sweep(hour * HOUR) == NOTHING
    assert world.registry.meta(MODEL).rev == before
