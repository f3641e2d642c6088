"""Alarms: evaluate them on a clock as CloudWatch does, and tell the default bus of every change.

metric points -> one datapoint per period -> M of N, with missing data treated as asked -> state

The emulator looks at alarms only when a metric is put, mixes all dimensions of a metric and knows
neither datapoints-to-alarm nor missing data. Periods are multiplied by the time scale, but never
made shorter than two ticks, so that a scaled alarm still has whole datapoints to look at.
"""

import json
import logging
import operator
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import seams
from .metric_math import MathError, evaluate

_METRICS = "ministack.services.cloudwatch"
TICK_SECONDS = 2.0
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_log = logging.getLogger("tidegate.alarms")


@dataclass(frozen=True)
class Verdict:
    """The state that a row of datapoints gives, and why."""

    state: str
    reason: str


def judge(breaching: list[bool | None], *, needed: int, missing: str, current: str) -> Verdict:
    """Decide the state from datapoints, newest last; None is a period without data.

    >>> judge([False, True, True], needed=2, missing="missing", current="OK").state
    'ALARM'
    >>> judge([None, None], needed=2, missing="breaching", current="OK").state
    'ALARM'
    >>> judge([None, None], needed=2, missing="missing", current="OK").state
    'INSUFFICIENT_DATA'

    Source: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data".
    """
    filling = {"breaching": True, "notBreaching": False}.get(missing)
    points = [filling if point is None else point for point in breaching]
    real = [point for point in points if point is not None]
    bad = sum(real)
    seen = f"{bad} of the last {len(points)} datapoints breached, {needed} needed"
    if bad >= needed:
        return Verdict("ALARM", f"Threshold Crossed: {seen}.")
    if len(real) - bad > len(points) - needed:
        return Verdict("OK", f"Threshold not crossed: {seen}.")
    if missing == "ignore":
        return Verdict(current, f"Missing data ignored: {seen}.")
    if not real:
        return Verdict("INSUFFICIENT_DATA", f"Insufficient Data: {seen}.")
    state = "ALARM" if bad == len(real) else "OK"
    return Verdict(state, f"Judged on {len(real)} datapoints: {seen}.")


class Ticker:
    """Evaluate every alarm, every tick."""

    def __init__(self, time_scale: float) -> None:
        self._scale = time_scale
        self._lock = threading.RLock()  # an action may put a metric, which evaluates again
        self.service = seams.load(_METRICS)

    def start(self) -> None:
        """Tick in the background for as long as the server lives."""
        threading.Thread(target=self._run, daemon=True, name="alarms").start()

    def evaluate_all(self) -> None:
        """Evaluate each metric alarm once."""
        with self._lock:
            for alarm in list(self.service._alarms.values()):
                try:
                    self._evaluate(alarm, time.time())
                except MathError as error:
                    _log.error("the alarm %s stays as it is: %s", alarm["AlarmName"], error)

    def _run(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            self.evaluate_all()

    def _evaluate(self, alarm: dict[str, Any], now: float) -> None:
        rows = int(alarm.get("EvaluationPeriods") or 1)
        verdict = judge(
            self._datapoints(alarm, rows, now),
            needed=int(alarm.get("DatapointsToAlarm") or rows),
            missing=alarm.get("TreatMissingData") or "missing",
            current=alarm["StateValue"],
        )
        before = alarm["StateValue"]
        if verdict.state == before:
            return
        previous = {"value": before, "reason": alarm.get("StateReason", "")}
        alarm["TidegatePrevious"] = {**previous, "timestamp": _stamp(alarm)}
        alarm["StateValue"], alarm["StateReason"] = verdict.state, verdict.reason
        alarm["StateUpdatedTimestamp"] = int(now)
        service = self.service
        service._record_history(alarm["AlarmName"], before, verdict.state, verdict.reason)
        service._dispatch_alarm_actions(alarm, before, verdict.state, verdict.reason)
        service._evaluate_parent_alarms(alarm)

    def _datapoints(self, alarm: dict[str, Any], rows: int, now: float) -> list[bool | None]:
        compare = _COMPARE[alarm["ComparisonOperator"]]
        threshold = float(alarm.get("Threshold") or 0)
        values = self._values(alarm, rows, now)
        return [None if value is None else compare(value, threshold) for value in values]

    def _values(self, alarm: dict[str, Any], rows: int, now: float) -> list[float | None]:
        if not alarm.get("Metrics"):
            return self._series(_plain_metric(alarm), rows, now)
        series: dict[str, list[float | None]] = {}
        for query in alarm["Metrics"]:
            if query.get("MetricStat"):
                series[query["Id"]] = self._series(query["MetricStat"], rows, now)
        waiting = [query for query in alarm["Metrics"] if query.get("Expression")]
        for query in waiting:  # an expression may use the ones listed before it
            series[query["Id"]] = [
                evaluate(query["Expression"], {name: row[i] for name, row in series.items()})
                for i in range(rows)
            ]
        watched = [q for q in alarm["Metrics"] if str(q.get("ReturnData", True)).lower() == "true"]
        return series[watched[0]["Id"]]

    def _series(self, metric_stat: dict[str, Any], rows: int, now: float) -> list[float | None]:
        """Give one value per period, the oldest first; None where there is no data."""
        period = float(metric_stat.get("Period") or 60)
        period = max(period * self._scale, min(period, 2 * TICK_SECONDS))
        start = now - period * rows
        buckets: list[list[dict[str, Any]]] = [[] for _ in range(rows)]
        for point in self._points(metric_stat):
            row = int((point["Timestamp"] - start) // period)
            if 0 <= row < rows:
                buckets[row].append(point)
        return [self._statistic(metric_stat, bucket) for bucket in buckets]

    def _points(self, metric_stat: dict[str, Any]) -> list[dict[str, Any]]:
        metric = metric_stat["Metric"]
        dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
        service = self.service
        key = (metric["Namespace"], metric["MetricName"], service._dims_key(dimensions))
        points: list[dict[str, Any]] = list(service._metrics.get(key) or [])
        unit = metric_stat.get("Unit")
        return [p for p in points if not unit or p.get("Unit") == unit]

    def _statistic(self, metric_stat: dict[str, Any], points: list[dict[str, Any]]) -> float | None:
        stats = self.service._calc_stats(points)
        if not stats:
            return None
        value: float | None = self.service._stat_value(stats, metric_stat["Stat"], points)
        return value


def _plain_metric(alarm: dict[str, Any]) -> dict[str, Any]:
    return {
        "Metric": {key: alarm.get(key) for key in ("Namespace", "MetricName", "Dimensions")},
        "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
        "Period": alarm.get("Period"),
        "Unit": alarm.get("Unit"),
    }


def install(time_scale: float) -> None:
    """Evaluate alarms on a clock and announce each change of state on the default bus."""
    ticker = Ticker(time_scale)
    notify = ticker.service._dispatch_alarm_actions

    def dispatch(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        notify(alarm, old_state, new_state, reason)
        announce(alarm, old_state)

    seams.replace(_METRICS, "_dispatch_alarm_actions", dispatch)
    # putting a metric also evaluates, at once, by the same rules as the ticker
    seams.replace(_METRICS, "_evaluate_all_alarms", ticker.evaluate_all)
    ticker.start()


def announce(alarm: dict[str, Any], old_state: str) -> None:
    """Put a "CloudWatch Alarm State Change" event, in AWS's shape, on the default bus."""
    previous = alarm.get("TidegatePrevious") or {"value": old_state}
    state = {
        "value": alarm["StateValue"],
        "reason": alarm.get("StateReason", ""),
        "timestamp": _stamp(alarm),
    }
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": previous,
        "configuration": _configuration(alarm),
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Resources": [alarm["AlarmArn"]],
        "Detail": json.dumps(detail),
    }
    seams.load("ministack.services.eventbridge")._put_events(
        {"Entries": [entry]}, allow_aws_source=True
    )


def _configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if alarm.get("AlarmRule"):
        return {**described, "alarmRule": alarm["AlarmRule"]}
    metric = {
        "namespace": alarm.get("Namespace"),
        "name": alarm.get("MetricName"),
        "dimensions": {d["Name"]: d["Value"] for d in alarm.get("Dimensions") or []},
    }
    stat = {
        "metric": metric,
        "period": alarm.get("Period", 60),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average"),
    }
    return {**described, "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}]}


def _stamp(alarm: dict[str, Any]) -> str:
    updated = float(alarm.get("StateUpdatedTimestamp") or time.time())
    return datetime.fromtimestamp(updated, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
