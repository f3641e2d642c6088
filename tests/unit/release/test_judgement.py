"""A judgement: windows of both releases since the shift, one recorded verdict, the way on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.ledger import MemoryLedger
from tests.fakes.made import START, gate, later
from tests.fakes.scene import SCORE, Scene, three_versions
from tidegate.errors import FencedError, TrafficError
from tidegate.project import ReleasePolicy
from tidegate.registry.values import GateResult, Lineage, Version
from tidegate.release import controller
from tidegate.release.judgement import Bench, allowed_shift, judge_release
from tidegate.release.progress import Progress
from tidegate.windows.values import Counts, Window


@pytest.fixture
def scene() -> Scene:
    return three_versions()


@pytest.fixture
def canary(scene: Scene) -> Progress:
    scene.promote(1, "r-1")
    return controller.shift(scene.published(2, "r-2"), scene.house, later(60))


def bench(scene: Scene, *windows: Window) -> Bench:
    ledger = MemoryLedger()
    ledger.put_windows(windows)
    return Bench(scene.registry, scene.shelf, ledger)


def window(
    release: str, version: int, *, late: int = 240, rows: int = 480, at: float = 90
) -> Window:
    """Count single-row requests, `late` of them in the upper cell."""
    scores = np.repeat(SCORE.centers, (rows - late, late))
    return Window(
        id=f"{release}-{at}",
        model="iris",
        version=version,
        release=release,
        start=later(at - 30),
        end=later(at),
        requests=rows,
        rows=rows,
        score=Counts((rows - late, late)),
        labels={"no": rows - late, "yes": late},
        clusters=(rows, float(scores.sum()), float((scores**2).sum()), float((scores**2).sum())),
    )


def test_an_equal_canary_moves_to_the_next_step(scene: Scene, canary: Progress) -> None:
    found = judge_release(canary, bench(scene, window("r-1", 1), window("r-2", 2)), later(120))
    assert (found.answer, found.index, found.holds) == ("advance", 1, 0)
    verdict = scene.registry.release("iris", "r-2").verdicts[0]
    assert (verdict.answer, verdict.step, verdict.at) == ("advance", 10, later(120))
    event = scene.announcer.events[-1]
    assert (event.kind, event.evidence["answer"]) == ("ReleaseJudged", "advance")
    assert "scores differ by" in event.reason


def test_a_shifted_canary_is_rolled_back_with_the_reason(scene: Scene, canary: Progress) -> None:
    windows = (window("r-1", 1, late=48), window("r-2", 2, late=432))
    found = judge_release(canary, bench(scene, *windows), later(120))
    assert found.answer == "rollback"
    assert "scores differ by" in found.reason
    controller.roll_back(found, scene.house, later(121))
    assert scene.champion() == (1, "2")
    assert scene.registry.version("iris", 2).status == "quarantined"


def test_no_windows_are_held_until_the_policy_decides(scene: Scene, canary: Progress) -> None:
    progress = canary
    for n in range(3):
        progress = judge_release(progress, bench(scene), later(120 + n))
        assert (progress.answer, progress.holds, progress.index) == ("hold", n + 1, 0)
    last = judge_release(progress, bench(scene), later(130))
    assert last.answer == "rollback"
    controller.roll_back(last, scene.house, later(131))
    assert scene.registry.version("iris", 2).status == "approved"
    assert "not enough evidence" in scene.registry.release("iris", "r-2").outcome


def test_windows_before_the_shift_are_no_evidence(scene: Scene, canary: Progress) -> None:
    old = (window("r-1", 1, at=59), window("r-2", 2, at=59))
    assert judge_release(canary, bench(scene, *old), later(120)).answer == "hold"


def test_a_repeated_judgement_is_the_same_and_recorded_once(scene: Scene, canary: Progress) -> None:
    first = judge_release(canary, bench(scene, window("r-1", 1), window("r-2", 2)), later(120))
    assert judge_release(canary, bench(scene), later(125)) == first
    assert len(scene.registry.release("iris", "r-2").verdicts) == 1


def test_every_step_is_judged_by_itself(scene: Scene, canary: Progress) -> None:
    windows = (window("r-1", 1), window("r-2", 2))
    progress = judge_release(canary, bench(scene, *windows), later(120))
    progress = controller.shift(progress, scene.house, later(130))
    assert judge_release(progress, bench(scene, *windows), later(190)).answer == "hold"
    fresh = (window("r-1", 1, at=160), window("r-2", 2, at=160))
    again = judge_release(replace(progress, holds=1), bench(scene, *fresh), later(200))
    assert (again.answer, again.index) == ("advance", 2)


def test_a_champion_put_back_by_hand_is_compared_by_its_own_release(scene: Scene) -> None:
    scene.promote(1, "r-1")
    scene.promote(2, "r-2")
    scene.registry.move_champion("iris", version=1, at=START, actor="ann", reason="x")
    progress = controller.shift(scene.published(3, "r-3"), scene.house, later(60))
    found = judge_release(progress, bench(scene, window("r-1", 1), window("r-3", 3)), later(120))
    assert found.answer == "advance"


def test_nothing_is_judged_before_a_shift(scene: Scene) -> None:
    scene.promote(1, "r-1")
    with pytest.raises(TrafficError, match="has not shifted any traffic"):
        judge_release(scene.published(2, "r-2"), bench(scene), later(120))


def test_a_release_that_lost_its_lock_is_not_judged(scene: Scene, canary: Progress) -> None:
    scene.begin(3, "r-3", at=timedelta(days=1).total_seconds())
    with pytest.raises(FencedError):
        judge_release(canary, bench(scene), later(120))


@pytest.mark.parametrize(
    ("shift", "gates", "parent", "allowed"),
    [
        (0.4, (gate(),), 1, 0.4),
        (0.4, (gate(passed=False),), 1, 0.0),
        (0.4, (gate(),), 7, 0.0),
        (None, (gate(),), 1, 0.0),
    ],
    ids=["passed", "overridden", "other-champion", "none"],
)
def test_only_a_shift_that_the_gates_accepted_is_allowed(
    scene: Scene, shift: float | None, gates: tuple[GateResult, ...], parent: int, allowed: float
) -> None:
    champion = scene.registry.version("iris", 1)
    lineage: Lineage = replace(champion.lineage, parent=parent)
    version: Version = replace(
        champion, number=2, holdout_shift=shift, gates=gates, lineage=lineage
    )
    assert allowed_shift(version, champion) == allowed


def test_the_policy_is_the_projects(scene: Scene, canary: Progress) -> None:
    scene.shelf.policy = ReleasePolicy(min_rows=481)
    windows = (window("r-1", 1), window("r-2", 2))
    assert judge_release(canary, bench(scene, *windows), later(120)).answer == "hold"
