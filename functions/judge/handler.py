"""Judge: canary against champion since the last shift; advance, hold or roll back."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.release.judgement import Bench, judge_release
from tidegate.release.progress import Progress
from tidegate.settings import NAMESPACE

logger = Logger(service="judge")
COUNTED = {"advance": "CanaryAdvanced", "hold": "CanaryHeld", "rollback": "CanaryRolledBack"}


@logger.inject_lambda_context(correlation_id_path="release")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Judge the present step and return the state with the answer."""
    before = Progress.from_event(event)
    bench = Bench(wiring.registry(), wiring.catalog(), wiring.ledger())
    after = judge_release(before, bench, utc_now())
    logger.info("judged", answer=after.answer, step=before.weight, reason=after.reason)
    name = COUNTED[after.answer]
    with single_metric(name, MetricUnit.Count, 1, namespace=NAMESPACE) as metric:
        metric.add_dimension("Env", wiring.settings().env)
        metric.add_dimension("Model", after.model)
    return after.to_event()
