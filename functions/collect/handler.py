"""Collect: log lines of the endpoints -> windows in the ledger; a batch may come twice."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.serving.collecting import collect
from tidegate.settings import NAMESPACE

logger = Logger(service="collect")


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Store the windows of a CloudWatch Logs subscription event; count what was refused."""
    found = collect(event["awslogs"]["data"], names=wiring.settings().names)
    stored = wiring.ledger().put_windows(found.windows)
    for reason in found.refused:
        logger.warning("window refused", extra={"reason": reason})
    _measure(WindowsStored=stored, WindowsRefused=len(found.refused))
    return {"stored": stored, "refused": len(found.refused)}


def _measure(**counts: int) -> None:
    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    metrics.service = ""  # else a second dimension, which is another metric
    metrics.add_dimension("Env", wiring.settings().env)
    for name, number in counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    metrics.flush_metrics()
