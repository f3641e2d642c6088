"""Decisions: one retraining, then cool-down; faults go to people; every refusal has its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from tests.fakes import made
from tests.fakes.signer import FakeSigner
from tests.fakes.switch import MemorySwitch
from tests.fakes.workflows import MemoryWorkflows
from tidegate.errors import RequestError
from tidegate.governance.alarm import finding_of
from tidegate.governance.automation import ON, automation_of, paused, text_of
from tidegate.governance.governor import Governor, decide
from tidegate.governance.values import Finding, History
from tidegate.project import GovernorPolicy
from tidegate.registry.book import Registry
from tidegate.registry.values import DriftReport, Event, RunState

MODEL = "iris"
POLICY = GovernorPolicy()
REPORT = DriftReport(
    MODEL, "2026-11-22T10:00:00.000Z", "drift", True, 2.5, ("temp", "wind"), 900, release="r-1"
)
EMPTY = History()


def finding(at: datetime = made.START, **changes: object) -> Finding:
    usual = Finding(MODEL, "alarm", "ALARM", at=at, run=f"run-{at:%H%M%S}", report=REPORT)
    return replace(usual, **changes)  # type: ignore[arg-type]


@dataclass
class World:
    registry: Registry
    workflows: MemoryWorkflows
    governor: Governor
    switch: MemorySwitch

    @property
    def decisions(self) -> list[Event]:
        events = self.registry.events(MODEL)
        return [event for event in events if event.kind == "GovernorDecided"]


def world(policy: GovernorPolicy = POLICY, time_scale: float = 1.0) -> World:
    registry, _ = made.registry()
    project = SimpleNamespace(governor=policy)
    catalog = SimpleNamespace(registry=registry, project=lambda _: project)
    workflows, switch = MemoryWorkflows(), MemorySwitch()
    governor = Governor(catalog, workflows, switch, time_scale)  # type: ignore[arg-type]
    return World(registry, workflows, governor, switch)


def test_confirmed_drift_is_answered_by_a_retraining() -> None:
    decision = decide(finding(), policy=POLICY, history=EMPTY, now=made.START)
    assert decision.action == "retrain"
    assert decision.reason == "confirmed drift of temp, wind"


@pytest.mark.parametrize(
    ("changes", "action", "reason"),
    [
        ({"state": "OK"}, "ignore", "the alarm's state is OK"),
        ({"report": None}, "ignore", "no look of the monitor confirms drift"),
        ({"report": replace(REPORT, confirmed=False)}, "ignore", "no look"),
        ({"report": replace(REPORT, data_fault="temp: 100% null")}, "notify", "temp: 100% null"),
    ],
    ids=["not an alarm", "no report", "not confirmed", "data fault"],
)
def test_what_is_no_drift_trains_nothing(
    changes: dict[str, object], action: str, reason: str
) -> None:
    decision = decide(finding(**changes), policy=POLICY, history=EMPTY, now=made.START)
    assert decision.action == action
    assert reason in decision.reason


def test_a_policy_may_leave_the_decision_to_people() -> None:
    policy = GovernorPolicy(on_drift="notify")
    assert decide(finding(), policy=policy, history=EMPTY, now=made.START).action == "notify"


def test_a_training_under_way_is_not_doubled() -> None:
    history = History(runs=(made.run("iris-7"),))
    decision = decide(finding(), policy=POLICY, history=history, now=made.START)
    assert decision.action == "ignore"
    assert "training iris-7 is under way" in decision.reason


def test_drift_of_what_serves_no_more_is_answered_already() -> None:
    found = finding(report=replace(REPORT, release="r-2"))
    new, same = History(serving="r-3"), History(serving="r-2")
    ignored = decide(found, policy=POLICY, history=new, now=made.START)
    assert (ignored.action, ignored.reason) == (
        "ignore",
        "it was found in r-2, which serves no more",
    )
    assert decide(found, policy=POLICY, history=same, now=made.START).action == "retrain"


def test_a_release_under_way_is_waited_for() -> None:
    history = History(release="r-7")
    decision = decide(finding(), policy=POLICY, history=history, now=made.START)
    assert decision.action == "ignore"
    assert "release r-7 is under way" in decision.reason


def test_a_training_that_the_sweep_ended_does_not_hinder() -> None:
    ended = replace(made.run("iris-7"), state="failed", error="its workflow has ABORTED")
    history = History(runs=(ended,))
    assert decide(finding(), policy=POLICY, history=history, now=made.START).action == "retrain"


def test_the_training_that_this_finding_started_does_not_hinder_it() -> None:
    history = History(runs=(made.run(finding().run),))
    assert decide(finding(), policy=POLICY, history=history, now=made.START).action == "retrain"


def test_drift_on_every_tick_for_a_day_is_one_retraining_with_recorded_refusals() -> None:
    here = world()
    for tick in range(23):
        at = made.START + timedelta(hours=tick)
        here.governor.govern(finding(at), now=at)
    assert len(here.workflows.trainings) == 1
    actions = [event.evidence["action"] for event in here.decisions]
    assert actions == ["retrain"] + ["ignore"] * 22
    assert all("cool-down ends at 2026-11-23T10:00" in e.reason for e in here.decisions[1:])
    after = made.START + timedelta(hours=24)
    assert here.governor.govern(finding(after), now=after).action == "retrain"


def retrained(state: RunState, *, version: int, champion: int) -> History:
    """Return what is known an hour after a retraining that ended at once."""
    here = world()
    here.governor.govern(finding(), now=made.START)
    run = replace(made.run(finding().run), state=state, version=version)
    return History(here.registry.events(MODEL), (run,), champion=champion)


def an_hour_later(history: History) -> tuple[str, bool]:
    at = made.START + timedelta(hours=1)
    decision = decide(finding(at), policy=POLICY, history=history, now=at)
    return decision.action, "cool-down ends" in decision.reason


def test_a_retraining_that_found_nothing_new_to_train_from_starts_no_cool_down() -> None:
    assert an_hour_later(retrained("reused", version=4, champion=4)) == ("retrain", False)


@pytest.mark.parametrize(
    ("state", "version"),
    [("succeeded", 4), ("succeeded", 5), ("failed", 0), ("reused", 3)],
    ids=["champion", "rolled back", "failed", "an earlier version was released again"],
)
def test_any_other_retraining_starts_a_cool_down(state: RunState, version: int) -> None:
    assert an_hour_later(retrained(state, version=version, champion=4)) == ("ignore", True)


@pytest.mark.parametrize(("found", "action"), [(1, "retrain"), (2, "ignore")])
def test_the_governor_knows_what_its_retraining_came_to(found: int, action: str) -> None:
    here = world()
    book, at = here.registry, made.START
    for letter in "ab":
        signer = FakeSigner()
        book.register(MODEL, made.draft(letter), signer, at=at, actor="t", request_id=letter)
    begun = book.begin_release(made.release(), lease=timedelta(hours=1), at=at)
    ended = replace(begun, state="promoted", weight=100, function_version="2")
    book.finish_release(ended, at=at)
    here.governor.govern(finding(), now=at)
    book.start_run(made.run(finding().run), at=at)
    hour = at + timedelta(hours=1)
    book.finish_run(MODEL, run=finding().run, state="reused", at=hour, version=found)
    assert here.governor.govern(finding(hour), now=hour).action == action


def test_the_cool_down_follows_the_time_scale() -> None:
    here = world(time_scale=1 / 240)
    here.governor.govern(finding(), now=made.START)
    soon, late = (made.START + timedelta(minutes=m) for m in (5, 6))
    assert here.governor.govern(finding(soon), now=soon).action == "ignore"
    assert here.governor.govern(finding(late), now=late).action == "retrain"


def test_the_same_alarm_five_times_is_one_decision() -> None:
    here = world()
    decisions = {here.governor.govern(finding(), now=made.START) for _ in range(5)}
    assert len(decisions) == 1
    assert len(here.decisions) == 1
    assert len(here.workflows.trainings) == 1


def test_a_retraining_says_who_and_why() -> None:
    here = world()
    here.governor.govern(finding(), now=made.START)
    order = here.workflows.trainings[finding().run]
    assert order.actor == "governor"
    assert order.reason == "confirmed drift of temp, wind"
    assert order.to_input()["release"] == "auto"


def test_the_governor_judges_by_the_newest_report() -> None:
    here = world()
    for minute, confirmed in ((0, True), (1, False)):
        report = replace(REPORT, id=f"2026-11-22T10:0{minute}:00.000Z", confirmed=confirmed)
        here.registry.report_drift(report, at=made.START)
    found = here.governor.with_report(finding(report=None))
    assert found.report is not None
    assert found.report.id == "2026-11-22T10:01:00.000Z"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("paused: ann: audit: week 48", "automation is paused by ann: audit: week 48"),
        (None, "its switch can't be read: not there"),
        ("off", "its switch can't be read: it holds 'off'"),
        ("", "its switch can't be read: it holds ''"),
        ("paused: ann", "its switch can't be read: it holds 'paused: ann'"),
        ("paused:  : why", "its switch can't be read: pausing takes a name"),
    ],
    ids=["paused", "unreadable", "unknown", "empty", "no reason", "nobody"],
)
def test_while_the_switch_is_not_on_people_are_told_and_nothing_starts(
    text: str | None, told: str
) -> None:
    here = world()
    here.switch.text = text
    decision = here.governor.govern(finding(), now=made.START)
    assert decision.action == "notify"
    assert decision.reason.startswith("drift of temp, wind; automation is")
    assert told in decision.reason
    assert here.workflows.trainings == {}
    assert here.decisions[0].reason == decision.reason


def test_after_a_pause_the_next_finding_is_acted_on() -> None:
    here = world()
    here.switch.turn(paused("ann", "audit"))
    here.governor.govern(finding(), now=made.START)
    here.switch.turn(ON)
    later = made.START + timedelta(minutes=5)
    assert here.governor.govern(finding(later), now=later).action == "retrain"


def test_a_pause_hides_no_data_fault_and_makes_no_finding_of_none() -> None:
    history = History(automation=paused("ann", "audit"))
    fault = finding(report=replace(REPORT, data_fault="temp: 100% null"))
    told = decide(fault, policy=POLICY, history=history, now=made.START)
    assert "temp: 100% null" in told.reason
    calm = finding(state="OK")
    assert decide(calm, policy=POLICY, history=history, now=made.START).action == "ignore"


@pytest.mark.parametrize("text", ["on", " on\n", "paused: ann: x", "paused: a:b: see: ticket 7"])
def test_a_switchs_text_survives_a_round_trip(text: str) -> None:
    assert text_of(automation_of(text)) == text.strip()


@pytest.mark.parametrize(
    ("who", "why"),
    [("ann", " "), ("", "audit"), ("ann", "a\nb"), ("ann", "x" * 1001), ("ann: bob", "audit")],
)
def test_a_pause_without_a_plain_name_and_reason_is_refused(who: str, why: str) -> None:
    with pytest.raises(RequestError):
        paused(who, why)


def detail(**changes: object) -> dict[str, object]:
    metric = {"namespace": "Tidegate", "dimensions": {"Env": "local", "Model": MODEL}}
    usual = {
        "alarmName": "tidegate-local-iris-drift",
        "state": {"value": "ALARM", "timestamp": "2026-11-22T10:00:00.125+0000"},
        "configuration": {"metrics": [{"metricStat": {"metric": metric}}]},
    }
    return {**usual, **changes}


def test_an_alarm_names_its_model_and_the_run_that_may_follow() -> None:
    found = finding_of(detail())
    assert (found.model, found.state) == (MODEL, "ALARM")
    assert found.run == "iris-20261122T100000-drift125"
    assert finding_of(detail()).run == found.run


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"state": {}}, "timestamp"),
        ({"state": {"value": "ALARM", "timestamp": "yesterday"}}, "yesterday"),
        ({"configuration": {"metrics": []}}, "dimension Model"),
        ({"configuration": None}, "TypeError"),
    ],
)
def test_what_is_no_alarm_is_refused_by_name(broken: dict[str, object], named: str) -> None:
    with pytest.raises(RequestError, match=named):
        finding_of(detail(**broken))
