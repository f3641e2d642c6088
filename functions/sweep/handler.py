"""Sweep: by schedule, end what died, repair what was moved, remove what nobody refers to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.errors import SweepError
from tidegate.release import reconciling
from tidegate.release.reconciling import reconcile
from tidegate.settings import NAMESPACE, SWEEP_HEARTBEAT
from tidegate.training import sweeping
from tidegate.training.sweeping import sweep

logger = Logger(service="sweep")


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Sweep every model; one that can't be swept doesn't keep the others from it."""
    done, failed = Counter[str](), list[str]()
    for model in wiring.registry().models():
        try:
            found = _sweep(model)
        except Exception as error:
            logger.exception("not swept", model=model)
            failed.append(f"{model}: {type(error).__name__}: {error}")
            continue
        done.update(found)
        if any(found.values()):
            logger.warning("swept", extra={"model": model, **found})
    _measure({**done, SWEEP_HEARTBEAT: 1})
    if failed:
        raise SweepError("; ".join(failed))
    return dict(done)


def _sweep(model: str) -> dict[str, int]:
    registry, executions = wiring.registry(), wiring.executions()
    scale = float(wiring.settings().time_scale)
    left = sweeping.Ground(registry, executions, wiring.stock(), scale)
    moved = reconciling.Ground(registry, executions, wiring.traffic(model))
    swept, reconciled = sweep(model, left, utc_now()), reconcile(model, moved, utc_now())
    return swept.to_metrics() | reconciled.to_metrics()


def _measure(counts: dict[str, int]) -> None:
    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    metrics.service = ""  # else a second dimension, which is another metric
    metrics.add_dimension("Env", wiring.settings().env)
    for name, number in counts.items():
        metrics.add_metric(name, MetricUnit.Count, number)
    metrics.flush_metrics()
