"""Decisions on training runs and drift reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.errors import IllegalTransitionError, NotFoundError, RequestError
from tidegate.registry.commits import Change, Evidence
from tidegate.registry.store import RegistryStore
from tidegate.registry.values import DriftReport, Run, RunState

_ENDS: dict[RunState, str] = {
    "succeeded": "RunSucceeded",
    "reused": "RunReused",
    "failed": "RunFailed",
}


@dataclass(frozen=True)
class End:
    """How a run ended."""

    run: str
    state: RunState
    at: datetime
    version: int
    error: str


def start(store: RegistryStore, run: Run) -> Change[Run]:
    """Record a run; one that failed and is redriven reopens, with its first start and reason."""
    stored = store.read(Run, run.model, run.id)
    if stored is None:
        return Change(run, "RunStarted", (run,), f"run:{run.id}", evidence=_evidence(run))
    if stored.state != "failed":
        same = replace(stored, identity=run.identity or stored.identity, job=run.job or stored.job)
        if same == stored or stored.state != "running":
            return Change(stored)
        return Change(same, "RunStarted", (same,), f"run:{run.id}", evidence=_evidence(same))
    again = replace(run, started=stored.started, actor=stored.actor, reason=stored.reason)
    evidence: Evidence = {**_evidence(again), "redriven": True}
    return Change(again, "RunStarted", (again,), f"run:{run.id}", evidence=evidence)


def _evidence(run: Run) -> Evidence:
    return {"identity": run.identity, "job": run.job}


def finish(store: RegistryStore, model: str, end: End) -> Change[Run]:
    """Record a run's end once."""
    if end.state not in _ENDS:
        raise RequestError(f"run {end.run!r}: a run can't end as {end.state!r}")
    run = store.read(Run, model, end.run)
    if run is None:
        raise NotFoundError(f"model {model!r} has no training run {end.run!r}")
    if run.state == end.state:
        return Change(run)
    if run.state != "running":
        raise IllegalTransitionError(f"run {run.id!r} has {run.state} and can't become {end.state}")
    ended = replace(run, state=end.state, version=end.version, error=end.error, finished=end.at)
    evidence: Evidence = {"version": end.version}
    return Change(ended, _ENDS[end.state], (ended,), f"run:{run.id}", evidence=evidence)


def report_drift(store: RegistryStore, report: DriftReport) -> Change[DriftReport]:
    """Record a look of the monitor; the first one of a window stays."""
    stored = store.read(DriftReport, report.model, report.id)
    if stored is not None:
        return Change(stored)
    evidence: Evidence = {
        "verdict": report.verdict,
        "confirmed": report.confirmed,
        "score": report.score,
        "rows": report.rows,
    }
    reason = report.data_fault or ", ".join(report.columns[:5])
    return Change(
        report, "DriftReported", (report,), f"drift:{report.id}", reason=reason, evidence=evidence
    )
