"""Monitor: one look at a model's champion, by schedule or by hand."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.monitoring.monitor import Monitor, scheduled_time
from tidegate.monitoring.values import Look
from tidegate.settings import NAMESPACE

logger = Logger(service="monitor")


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look at `event["model"]`; `event["at"]`, when it is a timestamp, names the look."""
    model, scale = str(event["model"]), float(wiring.settings().time_scale)
    monitor = Monitor(wiring.catalog(), wiring.ledger(), scale)
    given = str(event.get("at", ""))
    at = scheduled_time(given, now=utc_now(), every=monitor.cadence(model))
    found = monitor.look_at(model, at=at)
    _measure(model, found)
    if found is None:
        return {"model": model, "report": "", "waiting": "the first release"}
    logger.info("looked", model=model, verdict=found.report.verdict, report=found.report.id)
    return found.to_answer()


def _measure(model: str, found: Look | None) -> None:
    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    metrics.service = ""  # else a third dimension, and a metric that no alarm watches
    metrics.add_dimension("Env", wiring.settings().env)
    metrics.add_dimension("Model", model)
    for name, value in (found.to_metrics() if found else {"MonitorHeartbeat": 1.0}).items():
        metrics.add_metric(name, MetricUnit.NoUnit, value)
    metrics.flush_metrics()
