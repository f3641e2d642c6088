"""The monitor: champion -> windows since the last verdict -> look -> report, once per time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidegate.catalog import Catalog
from tidegate.clock import parse_stamp, stamp
from tidegate.errors import NotFoundError, ObjectExistsError
from tidegate.monitoring.look import look
from tidegate.monitoring.performance import MOST_LABELS
from tidegate.monitoring.report import look_to_json, report_from_json
from tidegate.monitoring.values import Evidence, Limits, Look
from tidegate.package import keys
from tidegate.project import MonitorPolicy, Project
from tidegate.registry.values import DriftReport, Pointer
from tidegate.windows.ledger import Ledger
from tidegate.windows.loss import lost_requests
from tidegate.windows.merge import merge
from tidegate.windows.values import Label, Reference, Window

LOOK_BACK = timedelta(days=7)  # further than that no look reaches
DAY = timedelta(hours=24)
SETTLE = timedelta(minutes=2)  # windows travel by log subscription before they can be seen
LEAST_SETTLE = timedelta(seconds=5)
KEPT_REPORTS = 500


@dataclass(frozen=True)
class Monitor:
    """Looks at the champions of one environment; `time_scale` is the length of its hour."""

    catalog: Catalog
    ledger: Ledger
    time_scale: float = 1.0

    def look_at(self, model: str, *, at: datetime) -> Look | None:
        """Look at what the champion served before `at` and record it; None without a champion.

        The same `at` again changes nothing and returns the report that was recorded first.
        """
        registry, artifacts = self.catalog.registry, self.catalog.artifacts
        champion, pointer = registry.champion(model), registry.pointer(model, "champion")
        if champion is None or pointer is None:
            return None
        project = self.catalog.project(model)
        package = self.catalog.package(model, champion.package_digest)
        found = look(
            self._evidence(pointer, package.reference, version=champion.number, at=at),
            contract=package.contract,
            reference=package.reference,
            limits=limits_of(project, time_scale=self.time_scale),
            at=at,
        )
        key = keys.drift_report(model, found.report.id)
        found = replace(found, report=replace(found.report, key=key))
        try:
            artifacts.put(key, look_to_json(found))
        except ObjectExistsError:
            # The same schedule event came twice: what was found first stays. It may not have been
            # recorded yet, and since then windows may have come, so the record is made from it.
            found = replace(found, report=report_from_json(artifacts.get(key)))
        return replace(found, report=registry.report_drift(found.report, at=at))

    def cadence(self, model: str) -> timedelta:
        """Return how often a model is looked at; before any code was pushed, the default."""
        try:
            policy = self.catalog.project(model).monitor
        except NotFoundError:
            policy = MonitorPolicy()
        return timedelta(minutes=policy.every_minutes) * self.time_scale

    def _evidence(
        self, pointer: Pointer, reference: Reference, *, version: int, at: datetime
    ) -> Evidence:
        model, release = pointer.model, pointer.release
        until, day = at - self._settle, DAY * self.time_scale
        previous = self._previous(model, release, before=at)
        since = self._since(pointer, previous, until=until)
        windows = self.ledger.windows(model, release, min(since, until - day), until)
        fresh = tuple(window for window in windows if window.end >= since)
        read = self._labels(pointer, until=until)
        # Of many labels only the newest are read, of whatever release they are, so how far back
        # they reach is told by all of them: coverage is that of the time they span.
        began = until - day
        if len(read) >= MOST_LABELS:
            began = max(began, read[-1].predicted_at)
        labels = tuple(label for label in read if label.release == release)
        empty = Window("", model, version, release, start=since, end=until)
        return Evidence(
            window=merge(fresh, reference) if fresh else empty,
            labels=labels,
            served=round(sum(_rows_since(window, began) for window in windows)),
            labelled=sum(label.predicted_at >= began for label in labels),
            previous=previous,
            lost=lost_requests(fresh),
        )

    def _previous(self, model: str, release: str, *, before: datetime) -> tuple[DriftReport, ...]:
        reports = self.catalog.registry.reports(model, limit=KEPT_REPORTS)
        return tuple(r for r in reports if r.release == release and r.id < stamp(before))

    def _since(
        self, pointer: Pointer, previous: tuple[DriftReport, ...], *, until: datetime
    ) -> datetime:
        """End of the last look that had evidence, so that what was too little then is not lost."""
        for report in previous:
            if report.verdict != "insufficient_data":
                return max(parse_stamp(report.id) - self._settle, until - LOOK_BACK)
        return self._started(pointer, until=until)

    def _started(self, pointer: Pointer, *, until: datetime) -> datetime:
        started = self.catalog.registry.release(pointer.model, pointer.release).started
        return max(started, until - LOOK_BACK)

    def _labels(self, pointer: Pointer, *, until: datetime) -> tuple[Label, ...]:
        """Return labels since the release began, of other releases too, newest first."""
        since = self._started(pointer, until=until)
        labels = self.ledger.labels(pointer.model, since, until, newest=MOST_LABELS)
        return tuple(sorted(labels, key=lambda label: label.predicted_at, reverse=True))

    @property
    def _settle(self) -> timedelta:
        return max(LEAST_SETTLE, SETTLE * self.time_scale)


def _rows_since(window: Window, began: datetime) -> float:
    """Return the rows served since `began`, as if they had come evenly while the window lasted."""
    if window.end < began:
        return 0.0
    if window.start >= began:
        return window.rows
    return window.rows * ((window.end - began) / (window.end - window.start))


def limits_of(project: Project, *, time_scale: float) -> Limits:
    """Return when a finding counts, as the project declares it."""
    policy = project.monitor
    return Limits(
        min_rows=policy.min_rows,
        confirm=policy.confirm,
        of=policy.of,
        effect_floor=policy.effect_floor,
        max_null_rate_rise=project.governor.max_null_rate_rise,
        max_performance_drop=policy.max_performance_drop,
        metric=project.gates[0].metric if project.gates else "",
        block_hours=24.0 * time_scale,
    )


def scheduled_time(text: str, *, now: datetime, every: timedelta) -> datetime:
    """Return the moment that names a look: the schedule's own, else `now` floored to the cadence.

    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 20, 10, 7, tzinfo=UTC)
    >>> scheduled_time("", now=now, every=timedelta(minutes=5)).minute
    5
    """
    try:
        return parse_stamp(text)
    except ValueError:
        step = max(every.total_seconds(), 1.0)
        return datetime.fromtimestamp(now.timestamp() // step * step, tz=now.tzinfo)
