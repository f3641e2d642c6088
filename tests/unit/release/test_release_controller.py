"""The release steps over fakes: every path ends with one version at 100 % and the lock free."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.made import START, digest, later
from tests.fakes.scene import CONTRACT, Scene, honest, three_versions
from tidegate.errors import (
    DigestMismatchError,
    FencedError,
    LockHeldError,
    NotFoundError,
    PublishPendingError,
    ReleaseRefusedError,
    RequestError,
    TrafficConflictError,
    TrafficError,
)
from tidegate.package.manifest import Golden
from tidegate.registry.commits import Act
from tidegate.registry.values import Verdict
from tidegate.release import controller
from tidegate.release.by_hand import roll_back_to
from tidegate.release.ports import Routing
from tidegate.release.progress import Progress


@pytest.fixture
def scene() -> Scene:
    return three_versions()


def test_the_first_release_goes_to_100_percent_after_its_golden_requests(scene: Scene) -> None:
    progress = scene.begin(1, "r-1")
    assert (progress.steps, progress.previous_function_version) == ((100,), "1")
    scene.promote(1, "r-1")
    assert scene.champion() == (1, "2")
    assert scene.traffic.now.weight == 0
    assert scene.is_free()
    assert scene.registry.release("iris", "r-1").outcome == "first release: golden requests passed"


def test_the_function_is_published_with_its_version_and_release(scene: Scene) -> None:
    scene.published(1, "r-1")
    uri, env = scene.traffic.published["2"]
    assert uri == f"s3://bucket/packages/iris/{digest('a')}.zip"
    assert env == {"TIDEGATE_VERSION": "1", "TIDEGATE_RELEASE": "r-1"}


def test_a_canary_walks_through_its_steps(scene: Scene) -> None:
    scene.promote(1, "r-1")
    progress = controller.verify(scene.published(2, "r-2"), scene.house, START)
    assert (progress.steps, progress.bake_seconds) == ((10, 50, 100), 600)
    for index, weight in enumerate((10, 50)):
        progress = controller.shift(replace(progress, index=index), scene.house, later(index))
        now = scene.traffic.now
        assert (now.function_version, now.canary, now.weight) == ("2", "3", weight)
        assert progress.since == f"2026-11-22T10:00:0{index}.000Z"
    controller.finish(progress, scene.house, later(9))
    assert scene.champion() == (2, "3")
    assert scene.traffic.now.canary == ""


def test_repeating_every_step_changes_nothing_more(scene: Scene) -> None:
    scene.promote(1, "r-1")
    steps = (controller.begin, controller.publish, controller.verify, controller.shift)
    progress = Progress(model="iris", version=2, release="r-2", actor="ann")
    for step in (*steps, controller.finish):
        once = step(progress, scene.house, later(5))
        events, versions = len(scene.announcer.events), len(scene.traffic.published)
        assert step(progress, scene.house, later(5)) == once
        assert (len(scene.announcer.events), len(scene.traffic.published)) == (events, versions)
        progress = once
    assert scene.champion() == (2, "3")


def test_a_step_waits_until_the_version_is_active_and_publishes_once(scene: Scene) -> None:
    progress = scene.begin(1, "r-1")
    scene.traffic.pending = 2
    for _ in range(2):
        with pytest.raises(PublishPendingError):
            controller.publish(progress, scene.house, START)
    assert controller.publish(progress, scene.house, START).function_version == "2"
    assert len(scene.traffic.published) == 1


def test_other_bytes_than_the_package_are_not_released(scene: Scene) -> None:
    progress = scene.begin(1, "r-1")
    scene.traffic.corrupt = True
    with pytest.raises(DigestMismatchError, match="runs code with SHA-256"):
        controller.publish(progress, scene.house, START)


def test_a_flipped_byte_in_the_bucket_stops_before_anything_is_published(scene: Scene) -> None:
    progress = scene.begin(1, "r-1")
    scene.shelf.broken = True
    with pytest.raises(DigestMismatchError):
        controller.publish(progress, scene.house, START)
    assert scene.traffic.published == {}


def answering(**changes: Any) -> Any:
    def answer(env: Mapping[str, str], payload: bytes) -> bytes:
        response = json.loads(honest(env, payload))
        body = json.loads(response["body"]) | changes.get("body", {})
        response |= {"body": json.dumps(body)} | changes.get("response", {})
        return json.dumps(response).encode()

    return answer


def predicting(prediction: dict[str, Any]) -> Any:
    return answering(body={"predictions": [prediction] * 2})


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (answering(response={"statusCode": 500, "body": "oops"}), "status 500: oops"),
        (answering(body={"version": 9}), "says it is version 9"),
        (answering(body={"release": "r-0"}), "of release 'r-0'"),
        (answering(body={"predictions": []}), "2 predictions expected"),
        (
            answering(body={"predictions": [{"label": "no", "score": 0.1}] * 2}),
            "golden row 1: score",
        ),
        (predicting({"label": "yes", "score": 0.1}), "label 'yes'"),
        (predicting({"score": "0.1"}), "golden row 0: score nan"),
        (answering(body={"predictions": ["x", "y"]}), "golden row 0: the prediction is not"),
        (lambda _env, _payload: b"<html>", "is not JSON"),
        (lambda _env, _payload: b"[]", "is not a JSON object"),
    ],
    ids=[
        "status",
        "version",
        "release",
        "count",
        "score",
        "label",
        "text",
        "shape",
        "html",
        "list",
    ],
)
def test_a_wrong_golden_answer_refuses_the_release(scene: Scene, answer: Any, named: str) -> None:
    progress = scene.published(1, "r-1")
    scene.traffic.answer = answer
    with pytest.raises(ReleaseRefusedError) as caught:
        controller.verify(progress, scene.house, START)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("task", "prediction"),
    [
        ("multiclass", {"label": "yes", "scores": [0.2, 0.8]}),
        ("multiclass", {"label": "yes", "scores": {"no": 0.2, "yes": 0.8}}),
        ("regression", {"value": 12.5}),
    ],
    ids=["list", "by-name", "value"],
)
def test_golden_answers_of_every_task_are_understood(task: Any, prediction: dict[str, Any]) -> None:
    scores = (0.2, 0.8) if task == "multiclass" else (12.5,)
    scene = three_versions(replace(CONTRACT, task=task))
    scene.shelf.golden = Golden(({"hour": 1.0},), (scores,))
    progress = scene.published(1, "r-1")
    scene.traffic.answer = answering(body={"predictions": [prediction]})
    controller.verify(progress, scene.house, START)


def test_the_judges_rollback_quarantines_and_restores(scene: Scene) -> None:
    scene.promote(1, "r-1")
    progress = controller.shift(scene.published(2, "r-2"), scene.house, START)
    judged(scene, {"score_shift": 2.0})
    end = replace(progress, answer="rollback", reason="scores differ by 2.00")
    controller.roll_back(end, scene.house, later(9))
    assert scene.champion() == (1, "2")
    assert scene.traffic.now.weight == 0
    stored = scene.registry.release("iris", "r-2")
    assert (stored.state, stored.outcome) == ("rolled_back", "scores differ by 2.00")
    assert scene.registry.version("iris", 2).status == "quarantined"
    assert scene.is_free()


@pytest.mark.parametrize("onwards", ["shift", "finish"])
def test_a_version_quarantined_in_its_canary_gets_no_more_traffic(
    scene: Scene, onwards: str
) -> None:
    scene.promote(1, "r-1")
    progress = controller.shift(scene.published(2, "r-2"), scene.house, START)
    reason = "customers complain"
    scene.registry.quarantine("iris", number=2, at=later(1), actor="ann", reason=reason)
    before = scene.traffic.now
    with pytest.raises(ReleaseRefusedError, match="is quarantined"):
        getattr(controller, onwards)(replace(progress, index=1), scene.house, later(2))
    assert scene.traffic.now == before
    controller.roll_back(replace(progress, reason="ReleaseRefused"), scene.house, later(9))
    assert scene.champion() == (1, "2")
    assert scene.traffic.now.weight == 0
    assert scene.is_free()


def test_a_rollback_for_lack_of_evidence_does_not_condemn_the_version(scene: Scene) -> None:
    scene.promote(1, "r-1")
    progress = controller.shift(scene.published(2, "r-2"), scene.house, START)
    judged(scene, {"without_evidence": 1.0})
    controller.roll_back(replace(progress, answer="rollback"), scene.house, later(9))
    assert scene.registry.version("iris", 2).status == "approved"


def judged(scene: Scene, evidence: dict[str, float]) -> None:
    release = scene.registry.release("iris", "r-2")
    verdict = Verdict(10, "rollback", ("said so",), evidence, START)
    scene.registry.advance_release(
        replace(release, verdicts=(verdict,)), kind="ReleaseJudged", at=START
    )


@pytest.mark.parametrize("upto", range(1, 5))
def test_from_every_point_a_failure_ends_with_the_champion_at_100_percent(
    scene: Scene, upto: int
) -> None:
    scene.promote(1, "r-1")
    steps = (controller.begin, controller.publish, controller.verify, controller.shift)
    progress = Progress(model="iris", version=2, release="r-2", actor="ann")
    for step in steps[:upto]:
        progress = step(progress, scene.house, START)
    for _ in range(2):  # the machine may repeat it
        controller.roll_back(replace(progress, reason="Boom: out of luck"), scene.house, later(9))
    assert scene.champion() == (1, "2")
    assert (scene.traffic.now.canary, scene.traffic.now.weight) == ("", 0)
    stored = scene.registry.release("iris", "r-2")
    assert (stored.state, stored.outcome) == ("failed", "Boom: out of luck")
    assert scene.registry.version("iris", 2).status == "approved"
    assert scene.is_free()
    assert scene.announcer.kinds.count("ReleaseFailed") == 1


def test_a_first_release_that_fails_goes_back_to_the_seed(scene: Scene) -> None:
    progress = scene.published(1, "r-1")
    controller.roll_back(replace(progress, reason="bad"), scene.house, later(9))
    assert scene.champion() == (0, "1")
    assert scene.is_free()


def test_a_finish_that_dies_after_the_alias_moved_is_rolled_back(scene: Scene) -> None:
    scene.promote(1, "r-1")
    progress = controller.shift(scene.published(2, "r-2"), scene.house, START)
    scene.traffic.set(Routing("3"))  # finish moved the alias and died before the registry knew
    controller.roll_back(replace(progress, reason="timeout"), scene.house, later(9))
    assert scene.champion() == (1, "2")


def test_rolling_back_a_promoted_release_is_refused_politely(scene: Scene) -> None:
    scene.promote(1, "r-1")
    progress = Progress(model="iris", version=1, release="r-1", reason="the answer got lost")
    controller.roll_back(progress, scene.house, later(9))
    assert scene.champion() == (1, "2")
    assert scene.registry.release("iris", "r-1").state == "promoted"


def test_a_release_refused_at_the_door_is_recorded_and_touches_nothing(scene: Scene) -> None:
    first = scene.begin(1, "r-1")
    with pytest.raises(LockHeldError):
        scene.begin(2, "r-2")
    moves = len(scene.traffic.routes)
    wish = Progress(model="iris", version=2, release="r-2", reason="LockHeldError: r-1 is at work")
    controller.roll_back(wish, scene.house, later(1))
    assert len(scene.traffic.routes) == moves
    assert scene.registry.release("iris", "r-2").outcome == "LockHeldError: r-1 is at work"
    assert controller.publish(first, scene.house, START).function_version == "2"


def test_a_dead_release_is_cleaned_up_by_the_next_one(scene: Scene) -> None:
    scene.promote(1, "r-1")
    controller.shift(scene.published(2, "r-2"), scene.house, START)
    assert scene.traffic.now.weight == 10
    progress = scene.begin(3, "r-3", at=24 * 3600)
    now = scene.traffic.now
    assert (now.function_version, now.weight) == ("2", 0)
    assert progress.previous_function_version == "2"
    assert "AliasRepaired" in scene.announcer.kinds


def test_a_lock_lost_before_the_alias_is_read_is_noticed(scene: Scene) -> None:
    scene.promote(1, "r-1")
    old = scene.published(2, "r-2")
    scene.traffic.before_routing = [lambda: scene.begin(3, "r-3", at=24 * 3600)]
    with pytest.raises(FencedError):
        controller.shift(old, scene.house, later(24 * 3600))
    assert scene.traffic.now.weight == 0


def test_a_holder_that_lost_its_lock_cannot_move_the_alias(scene: Scene) -> None:
    scene.promote(1, "r-1")
    old = scene.published(2, "r-2")
    # The lock is lost after the old holder has checked it and before it moves the alias.
    scene.traffic.before_route = [lambda: scene.begin(3, "r-3", at=24 * 3600)]
    with pytest.raises(FencedError):
        controller.shift(old, scene.house, later(24 * 3600))
    assert scene.traffic.now.weight == 0
    with pytest.raises(FencedError):
        controller.finish(old, scene.house, later(24 * 3600))


def test_an_alias_edited_by_hand_is_put_right_when_a_release_begins(scene: Scene) -> None:
    scene.promote(1, "r-1")
    scene.traffic.set(Routing("2", "1", 40))
    scene.begin(2, "r-2")
    assert scene.traffic.now.weight == 0
    note = next(e for e in scene.announcer.events if e.kind == "AliasRepaired")
    assert "40 % on 1" in note.reason


def test_an_alias_that_others_move_is_tried_again_and_then_given_up(scene: Scene) -> None:
    progress = scene.published(1, "r-1")
    scene.traffic.fail_on["route"] = [TrafficConflictError("moved")] * 2
    controller.finish(progress, scene.house, later(1))
    assert scene.champion() == (1, "2")
    again = scene.published(2, "r-2")
    scene.traffic.fail_on["route"] = [TrafficConflictError("moved")] * 5
    with pytest.raises(TrafficConflictError):
        controller.shift(again, scene.house, later(1))


def test_an_error_of_lambda_rises(scene: Scene) -> None:
    progress = scene.begin(1, "r-1")
    scene.traffic.fail_on["publish"] = [TrafficError("no such key")]
    with pytest.raises(TrafficError, match="no such key"):
        controller.publish(progress, scene.house, START)


def test_leases_shrink_with_the_hour_but_not_to_nothing(scene: Scene) -> None:
    house = replace(scene.house, time_scale=1 / 240)
    controller.begin(Progress(model="iris", version=1, release="r-1"), house, START)
    lock = scene.registry.lock("iris")
    assert lock is not None
    assert lock.lease == pytest.approx(30 + 600 / 240)


# -- by hand


def test_rolling_back_by_hand_is_immediate_and_stops_a_canary(scene: Scene) -> None:
    scene.promote(1, "r-1")
    scene.promote(2, "r-2")
    canary = controller.shift(scene.published(3, "r-3"), scene.house, START)
    act = Act(later(9), "ann", "customers complain")
    served_by = roll_back_to(scene.registry, scene.traffic, model="iris", version=1, act=act)
    assert (served_by.id, scene.champion()) == ("r-1", (1, "2"))
    assert scene.traffic.now.weight == 0
    with pytest.raises(FencedError):
        controller.shift(replace(canary, index=1), scene.house, later(10))
    event = scene.announcer.events[-1]
    assert (event.kind, event.reason, event.actor) == ("ChampionMoved", "customers complain", "ann")


def test_rolling_back_by_hand_again_repairs_the_alias(scene: Scene) -> None:
    scene.promote(1, "r-1")
    scene.promote(2, "r-2")
    act = Act(later(9), "ann", "customers complain")
    scene.traffic.fail_on["route"] = [NotFoundError("network")]
    with pytest.raises(NotFoundError):
        roll_back_to(scene.registry, scene.traffic, model="iris", version=1, act=act)
    roll_back_to(scene.registry, scene.traffic, model="iris", version=1, act=act)
    assert scene.champion() == (1, "2")
    assert scene.announcer.kinds.count("ChampionMoved") == 1


def test_rolling_back_by_hand_takes_a_reason(scene: Scene) -> None:
    scene.promote(1, "r-1")
    with pytest.raises(RequestError, match="takes a reason"):
        roll_back_to(
            scene.registry, scene.traffic, model="iris", version=1, act=Act(START, "ann", " ")
        )


# -- the machine's state


def test_the_state_survives_the_machine() -> None:
    progress = Progress(
        "iris", 2, "r-2", steps=(10, 50, 100), index=1, weight=10, since="2026-11-22T10:00:00.000Z"
    )
    event = json.loads(json.dumps(progress.to_event())) | {"step": "shift", "extra": None}
    assert Progress.from_event(event) == progress


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": ""}, "'model' is missing"),
        ({"version": "2"}, "version: '2' is not a whole number"),
        ({"version": True}, "version"),
        ({"steps": [10, 200]}, "steps"),
        ({"steps": [100], "index": 1}, "index 1 is beyond"),
        ({"reason": None}, "reason: None is not text"),
        ({"answer": 5}, "answer"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_broken_state_is_refused_by_key(change: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError) as caught:
        Progress.from_event({"model": "iris", "version": 2, "release": "r-2", **change})
    assert named in str(caught.value)
