"""Evaluate: challenger and champion on the same holdout, and what the gates say."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.training.evaluation import evaluate_run
from tidegate.training.house import House

logger = Logger(service="evaluate")


@logger.inject_lambda_context(correlation_id_path="run")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Evaluate the package of a run; its holdout lies where the run's id says."""
    key, found = evaluate_run(
        str(event["model"]),
        run=str(event["run"]),
        package=str(event["package"]),
        house=House(wiring.catalog(), wiring.settings()),
        open_session=OnnxSession,
    )
    logger.info("evaluated", passed=found.passed, metrics=found.metrics, champion=found.champion)
    return {"report": key, "passed": found.passed}
