"""Record: the training machine failed, and the registry says so, with the reason."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.registry.values import Run
from tidegate.settings import NAMESPACE
from tidegate.training.house import House
from tidegate.training.registration import failure_reason, record_failure

logger = Logger(service="record")


@logger.inject_lambda_context(correlation_id_path="run")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Mark a run as failed and count the failure."""
    settings, at = wiring.settings(), utc_now()
    model, actor = str(event["model"]), str(event.get("actor", "train"))
    reason = failure_reason(str(event.get("error", "")), str(event.get("cause", "")))
    failed = Run(model, str(event["run"]), "failed", at, actor, "", error=reason)
    recorded = record_failure(failed, House(wiring.catalog(), settings), at=at)
    logger.error("training failed", model=model, reason=reason, recorded=recorded)
    with single_metric("TrainingFailed", MetricUnit.Count, 1, namespace=NAMESPACE) as metric:
        metric.add_dimension("Env", settings.env)
        metric.add_dimension("Model", model)
    return {"recorded": recorded}
