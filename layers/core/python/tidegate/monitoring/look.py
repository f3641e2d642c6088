"""One look of the monitor: evidence -> columns, score, performance -> verdict -> confirmed or not.

Not enough rows is an answer of its own; it never reads "no drift".
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from tidegate.clock import stamp
from tidegate.contract import Contract
from tidegate.monitoring.columns import examine
from tidegate.monitoring.performance import judge_performance
from tidegate.monitoring.thresholds import FULL
from tidegate.monitoring.values import ColumnFinding, Evidence, Limits, Look, Performance
from tidegate.registry.values import DriftReport
from tidegate.windows.label_delay import delay_of
from tidegate.windows.values import Reference

PERFORMANCE = "(performance)"  # can't be a feature's name
CLOCK_SLACK = 0.95  # windows end when containers flush, so a full day never quite shows


def look(
    evidence: Evidence,
    *,
    contract: Contract,
    reference: Reference,
    limits: Limits,
    at: datetime,
) -> Look:
    """Judge one release's window; `at` names the look and is its report's id.

    Rows must be at least `min_rows` and fill a reference block or last as long as one, because a
    morning is not like a day. Drift is confirmed when `confirm` of the last `of` looks of the same
    release that had evidence found it.
    """
    # The look's name is the seed: the same look again gives the same report.
    rng = np.random.default_rng(int(at.timestamp() * 1000))
    performance = judge_performance(
        evidence.labels, contract=contract, reference=reference, limits=limits, rng=rng
    )
    waiting = missing_evidence(evidence, block_rows=reference.block_rows, limits=limits)
    columns = () if waiting else examine(evidence.window, reference, limits=limits, rng=rng)
    report = _report(evidence, columns, performance, limits=limits, at=at)
    return Look(
        report=report,
        version=evidence.window.version,
        until=evidence.window.end,
        columns=columns[:-1],
        score=columns[-1] if columns else None,
        performance=performance,
        coverage=evidence.coverage,
        delay=delay_of(evidence.labels),
        lost=evidence.lost,
        waiting=waiting,
    )


def missing_evidence(evidence: Evidence, *, block_rows: int, limits: Limits) -> str:
    """Say what is missing to judge; empty when nothing is."""
    window = evidence.window
    if window.rows < max(1, limits.min_rows):
        return f"{window.rows} of {limits.min_rows} rows"
    block = timedelta(hours=limits.block_hours)
    if window.rows < FULL * block_rows and window.end - window.start < CLOCK_SLACK * block:
        return f"{window.rows} of {block_rows} rows, which is a block of the training data"
    return ""


def is_confirmed(verdict: str, previous: tuple[DriftReport, ...], *, limits: Limits) -> bool:
    """Tell whether enough of the last looks with evidence found drift (newest first)."""
    told = [verdict, *(report.verdict for report in previous)]
    judged = [one for one in told if one != "insufficient_data"][: limits.of]
    return judged.count("drift") >= limits.confirm


def _report(
    evidence: Evidence,
    columns: tuple[ColumnFinding, ...],
    performance: Performance | None,
    *,
    limits: Limits,
    at: datetime,
) -> DriftReport:
    window = evidence.window
    found = sorted((c for c in columns if c.drifted or c.fault), key=_severity, reverse=True)
    names = [column.column for column in found]
    if columns and performance is not None and performance.degraded:
        names.append(PERFORMANCE)
    verdict = "drift" if names else "no_drift" if columns else "insufficient_data"
    same = tuple(report for report in evidence.previous if report.release == window.release)
    return DriftReport(
        model=window.model,
        id=stamp(at),
        verdict=verdict,  # type: ignore[arg-type]  # one of the three, by the line above
        confirmed=is_confirmed(verdict, same, limits=limits),
        score=max((column.ratio for column in columns), default=0.0),
        columns=tuple(names),
        rows=window.rows,
        data_fault="; ".join(column.fault for column in found if column.fault),
        performance=None if performance is None else performance.value,
        release=window.release,
        since=stamp(window.start),
    )


def _severity(finding: ColumnFinding) -> tuple[bool, float]:
    return bool(finding.fault), finding.ratio
