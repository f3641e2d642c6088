"""From the detail of a "CloudWatch Alarm State Change" event to a finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidegate.clock import parse_stamp
from tidegate.errors import RequestError
from tidegate.governance.values import Finding
from tidegate.registry.identifiers import run_id


def finding_of(detail: Mapping[str, Any]) -> Finding:
    """Read model, state and moment of an alarm; raise `RequestError` naming what is missing.

    The run that may follow is named after the state change, so the same event names the same run.
    """
    try:
        alarm, state = str(detail["alarmName"]), detail["state"]
        metrics = detail["configuration"]["metrics"]
        at, value = parse_stamp(state["timestamp"]), str(state["value"])
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(f"no alarm state change: {type(error).__name__}: {error}") from error
    model = _model(metrics)
    if not model:
        raise RequestError(f"alarm {alarm!r} watches no metric with a dimension Model")
    return Finding(model, alarm, value, at=at, run=run_id(model, at, _suffix(at)))


def _suffix(at: datetime) -> str:
    return f"drift{at.microsecond // 1000:03d}"


def _model(metrics: list[Mapping[str, Any]]) -> str:
    for metric in metrics:
        dimensions = metric.get("metricStat", {}).get("metric", {}).get("dimensions", {})
        if dimensions.get("Model"):
            return str(dimensions["Model"])
    return ""
