"""The governor: a finding is a request -> retrain, notify or ignore, each with its reason.

Order of the rules: was it an alarm? is it confirmed? does what it was found in still serve? is it a
fault in the data? may it retrain? has somebody paused it? is a training or a release under way? is
it too soon? A run whose workflow died doesn't hinder for long: the sweep marks it as failed. A
retraining that found nothing new to train from than the champion was starts no cool-down: drift
that goes on is answered as soon as there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from tidegate.catalog import Catalog
from tidegate.clock import stamp
from tidegate.governance.automation import Switch
from tidegate.governance.values import Action, Decision, Finding, History
from tidegate.governance.workflows import TrainingOrder, Workflows
from tidegate.project import GovernorPolicy
from tidegate.registry.commits import Act
from tidegate.registry.values import Event

ACTOR = "governor"
DECIDED = "GovernorDecided"


def decide(
    finding: Finding, *, policy: GovernorPolicy, history: History, now: datetime
) -> Decision:
    """Decide what is done about a finding; `policy` and `history` say what may be done again."""
    report = finding.report
    why_not = _not_drift(finding, serving=history.serving)
    if why_not or report is None:
        return Decision("ignore", why_not)
    if report.data_fault:
        return Decision("notify", f"looks like a fault in the data, not drift: {report.data_fault}")
    what = ", ".join(report.columns[:5]) or "earlier looks"
    if policy.on_drift != "retrain":
        return Decision("notify", f"drift of {what}; the policy is to {policy.on_drift}")
    if not history.automation.is_on:
        return Decision("notify", f"drift of {what}; {history.automation.reason}")
    hindrance = _hindrance(finding, policy=policy, history=history, now=now)
    if hindrance:
        return Decision("ignore", f"drift of {what}, but {hindrance}")
    return Decision("retrain", f"confirmed drift of {what}")


def _not_drift(finding: Finding, *, serving: str) -> str:
    """Return why a finding is no drift of what serves, or nothing."""
    report = finding.report
    if finding.state != "ALARM":
        return f"the alarm's state is {finding.state}"
    if report is None or not report.confirmed:
        return "no look of the monitor confirms drift"
    if report.release and serving and report.release != serving:
        return f"it was found in {report.release}, which serves no more"
    return ""


def _hindrance(finding: Finding, *, policy: GovernorPolicy, history: History, now: datetime) -> str:
    for run in history.runs:
        if run.state == "running" and run.id != finding.run:
            return f"training {run.id} is under way"
    if history.release:
        return f"release {history.release} is under way and may be the answer"
    until = _cooling_until(policy=policy, history=history)
    if until is not None and now < until:
        return f"the last retraining's cool-down ends at {stamp(until)}"
    return ""


def _cooling_until(*, policy: GovernorPolicy, history: History) -> datetime | None:
    # Any other version that was found is released again, and may be rolled back again.
    champion = history.champion
    idle = {run.id for run in history.runs if run.state == "reused" and run.version == champion}
    retrainings = [event.at for event in history.events if _retrained(event, but_not=idle)]
    if not retrainings:
        return None
    return max(retrainings) + timedelta(hours=policy.cooldown_hours)


def _retrained(event: Event, *, but_not: Collection[str]) -> bool:
    evidence = event.evidence
    retrain = event.kind == DECIDED and evidence.get("action") == "retrain"
    return retrain and evidence.get("run") not in but_not


def _decided(finding: Finding, events: Iterable[Event]) -> Decision | None:
    for event in events:
        if event.kind == DECIDED and event.request_id == finding.run:
            return Decision(cast(Action, event.evidence["action"]), event.reason)
    return None


@dataclass(frozen=True)
class Governor:
    """Decides on findings, acts, and records every decision; `time_scale` scales the cool-down."""

    catalog: Catalog
    workflows: Workflows
    switch: Switch
    time_scale: float = 1.0

    def govern(self, finding: Finding, *, now: datetime) -> Decision:
        """Decide, start what was decided, then record it.

        In this order, because a start is idempotent by its run's name: when recording fails, the
        same finding comes again, starts nothing new, and is recorded then. A finding that is on
        record already gets the decision of then.
        """
        registry = self.catalog.registry
        policy = self.catalog.project(finding.model).governor
        scaled = replace(policy, cooldown_hours=policy.cooldown_hours * self.time_scale)
        # Events are few thousand at most in a cool-down; older ones decide nothing.
        head = registry.meta(finding.model)
        after = max(0, head.rev - 2000)
        events, runs = registry.events(finding.model, after=after), registry.runs(finding.model)
        before = _decided(finding, events)
        if before is not None:
            return before
        serving = head.serving
        history = History(
            events=events,
            runs=runs,
            release=serving.open_release,
            serving=serving.release,
            champion=serving.champion,
            automation=self.switch.automation(),
        )
        decision = decide(finding, policy=scaled, history=history, now=now)
        if decision.action == "retrain":
            self.workflows.start_training(_order(finding, decision))
        self._record(finding, decision, now=now)
        return decision

    def with_report(self, finding: Finding) -> Finding:
        """Return the finding with the monitor's newest report."""
        reports = self.catalog.registry.reports(finding.model, limit=1)
        return replace(finding, report=reports[0] if reports else None)

    def _record(self, finding: Finding, decision: Decision, *, now: datetime) -> None:
        report = finding.report
        self.catalog.registry.note(
            finding.model,
            kind=DECIDED,
            act=Act(now, ACTOR, decision.reason, request_id=finding.run),
            subject=f"drift:{report.id}" if report else "",
            evidence={
                "action": decision.action,
                "alarm": finding.alarm,
                "run": finding.run if decision.action == "retrain" else "",
            },
        )


def _order(finding: Finding, decision: Decision) -> TrainingOrder:
    return TrainingOrder(finding.model, finding.run, actor=ACTOR, reason=decision.reason)
