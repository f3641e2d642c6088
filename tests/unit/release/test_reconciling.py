"""A release that dies at any step, and an alias moved by hand: registry and alias meet again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.fakes.executions import ABORTED, RUNNING, MemoryExecutions
from tests.fakes.made import later
from tests.fakes.scene import Scene, three_versions
from tidegate.errors import FencedError, NotFoundError, TrafficConflictError
from tidegate.registry.executions import Execution
from tidegate.registry.values import Event
from tidegate.release import controller
from tidegate.release.ports import Routing
from tidegate.release.reconciling import Ground, Reconciled, reconcile

DEAD = 100_000.0  # seconds: every lease has ended
AT = later(DEAD)


@dataclass
class World:
    scene: Scene
    executions: MemoryExecutions
    ground: Ground

    def reconcile(self, seconds: float = DEAD) -> Reconciled:
        return reconcile("iris", self.ground, later(seconds))

    def events(self, kind: str) -> list[Event]:
        return [e for e in self.scene.registry.events("iris") if e.kind == kind]


@pytest.fixture
def world() -> World:
    scene, executions = three_versions(), MemoryExecutions()
    executions.releases = {"r-1": Execution("SUCCEEDED"), "r-2": ABORTED}
    return World(scene, executions, Ground(scene.registry, executions, scene.traffic))


def die_after(scene: Scene, step: str) -> None:
    """Walk release r-2 of version 2 and stop; `moved`: the alias moved and nobody recorded it."""
    progress = scene.begin(2, "r-2")
    if step == "begin":
        return
    if step == "publishing":
        scene.traffic.publish("s3://bucket/packages/iris/x.zip", env={})
        return
    progress = controller.publish(progress, scene.house, later(1))
    if step == "publish":
        return
    if step == "moved to a canary":
        scene.traffic.set(Routing(progress.previous_function_version, "3", 10))
        return
    if len(progress.steps) > 1:
        progress = controller.shift(progress, scene.house, later(2))
    if step == "shift":
        return
    scene.traffic.set(Routing(progress.function_version))
    if step == "moved to all":
        return
    scene.traffic.set(Routing(progress.previous_function_version))
    assert step == "moved back"


STEPS = (
    "begin",
    "publishing",
    "publish",
    "moved to a canary",
    "shift",
    "moved to all",
    "moved back",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_release_that_died_ends_and_the_champion_serves_everything(
    world: World, step: str
) -> None:
    world.scene.promote(1, "r-1")
    champion = world.scene.traffic.now.function_version
    die_after(world.scene, step)

    found = world.reconcile()

    assert found.ended == "r-2"
    ended = world.scene.registry.release("iris", "r-2")
    assert (ended.state, ended.weight, ended.finished) == ("failed", 0, AT)
    assert ended.outcome == "its lease ended and its workflow has ABORTED: stopped by hand"
    assert replace(world.scene.traffic.now, revision="") == Routing(champion)
    assert world.scene.champion() == (1, champion)
    assert world.scene.is_free()
    assert world.scene.registry.pointer("iris", "challenger") is None


@pytest.mark.parametrize("step", STEPS)
def test_a_first_release_that_died_leaves_what_cdk_made(world: World, step: str) -> None:
    die_after(world.scene, step)

    assert world.reconcile().ended == "r-2"
    assert replace(world.scene.traffic.now, revision="") == Routing("1")
    assert world.scene.champion()[0] == 0


@pytest.mark.parametrize("step", STEPS)
def test_reconciling_again_changes_nothing(world: World, step: str) -> None:
    world.scene.promote(1, "r-1")
    die_after(world.scene, step)
    world.reconcile()
    before, revision = world.scene.registry.meta("iris").rev, world.scene.traffic.now.revision

    assert world.reconcile() == Reconciled()
    assert world.scene.registry.meta("iris").rev == before
    assert world.scene.traffic.now.revision == revision


def test_a_sweep_that_dies_after_ending_a_release_is_made_up_for_by_the_next(
    world: World,
) -> None:
    world.scene.promote(1, "r-1")
    die_after(world.scene, "shift")
    world.scene.traffic.fail_on["routing"] = [ConnectionError("the sweep dies")]
    with pytest.raises(ConnectionError):
        world.reconcile()
    assert world.scene.traffic.now.weight == 10

    assert world.reconcile().ended == ""
    assert world.scene.traffic.now.weight == 0


def test_what_the_dead_holder_does_afterwards_is_refused(world: World) -> None:
    world.scene.promote(1, "r-1")
    progress = world.scene.published(2, "r-2")
    world.reconcile()
    with pytest.raises(FencedError):
        controller.shift(progress, world.scene.house, AT)
    assert controller.roll_back(progress, world.scene.house, AT).reason.startswith(
        "its lease ended"
    )


@pytest.mark.parametrize(
    "execution", [RUNNING, Execution("PENDING_REDRIVE")], ids=lambda e: e.status
)
def test_a_release_whose_workflow_runs_is_left_alone(world: World, execution: Execution) -> None:
    world.scene.promote(1, "r-1")
    die_after(world.scene, "shift")
    world.executions.releases["r-2"] = execution

    assert world.reconcile() == Reconciled()
    assert world.scene.traffic.now.weight == 10


def test_a_release_whose_lease_lasts_is_left_alone(world: World) -> None:
    world.scene.promote(1, "r-1")
    die_after(world.scene, "shift")

    assert world.reconcile(seconds=3.0) == Reconciled()
    assert world.scene.traffic.now.weight == 10


def test_a_release_that_shows_life_while_it_is_looked_at_is_left_alone(world: World) -> None:
    world.scene.promote(1, "r-1")
    progress = world.scene.published(2, "r-2")
    world.executions.looked.append(
        lambda: controller.shift(progress, world.scene.house, later(DEAD - 1))
    )

    assert world.reconcile() == Reconciled()
    assert world.scene.registry.release("iris", "r-2").state == "running"


@pytest.mark.parametrize(
    "by_hand",
    [Routing("1"), Routing("2", "1", 30), Routing("2", "1", 0)],
    ids=["another version", "a canary", "a canary of less than a percent"],
)
def test_an_alias_moved_by_hand_is_put_back_and_told(world: World, by_hand: Routing) -> None:
    world.scene.promote(1, "r-1")
    world.scene.traffic.set(by_hand)

    found = world.reconcile()

    assert found.repaired.endswith("; put back to 2")
    assert replace(world.scene.traffic.now, revision="") == Routing("2")
    (told,) = world.events("AliasRepaired")
    assert (told.actor, told.subject, told.reason) == ("sweep", "function:2", found.repaired)
    assert told.evidence == {
        "function_version": "2",
        "found": by_hand.function_version,
        "canary": by_hand.canary,
        "weight": by_hand.weight,
    }


def test_an_alias_of_a_model_that_never_released_is_not_ours(world: World) -> None:
    world.scene.traffic.set(Routing("7"))
    assert world.reconcile() == Reconciled()
    assert world.scene.traffic.now.function_version == "7"


def test_a_model_without_an_endpoint_has_nothing_to_repair(world: World) -> None:
    world.scene.promote(1, "r-1")
    world.scene.traffic.fail_on["routing"] = [NotFoundError("no such function")]
    assert world.reconcile() == Reconciled()


def test_a_release_that_begins_meanwhile_keeps_its_weights(world: World) -> None:
    world.scene.promote(1, "r-1")
    world.scene.traffic.set(Routing("2", "1", 30))
    world.executions.releases["r-2"] = RUNNING

    def begin_and_shift() -> None:
        progress = world.scene.published(2, "r-2")
        controller.shift(progress, world.scene.house, later(2))

    world.scene.traffic.before_route.append(begin_and_shift)

    assert world.reconcile() == Reconciled()
    assert world.scene.traffic.now.canary == "3"
    assert [e.actor for e in world.events("AliasRepaired")] == ["ann"]  # by the release itself


def test_of_two_sweeps_at_once_one_repairs(world: World) -> None:
    world.scene.promote(1, "r-1")
    die_after(world.scene, "shift")
    other: list[Reconciled] = []
    world.scene.traffic.before_route.append(lambda: other.append(world.reconcile()))

    found = world.reconcile()

    assert (found.ended, found.repaired) == ("r-2", "")
    assert (other[0].ended, bool(other[0].repaired)) == ("", True)
    assert len(world.events("AliasRepaired")) == len(world.events("ReleaseFailed")) == 1


def test_an_alias_that_never_rests_is_an_error(world: World) -> None:
    world.scene.promote(1, "r-1")
    world.scene.traffic.set(Routing("1"))
    touch: Callable[[], None] = lambda: world.scene.traffic.set(Routing("1"))  # noqa: E731
    world.scene.traffic.before_route += [touch] * 5
    with pytest.raises(TrafficConflictError):
        world.reconcile()
