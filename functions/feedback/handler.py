"""Feedback: receipts and true outcomes -> labels in the ledger."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.contract import Contract
from tidegate.errors import TidegateError
from tidegate.serving.answers import Answer, failure, refusal, success
from tidegate.serving.feedback import MAX_BYTES, read_feedback
from tidegate.serving.requests import read_request
from tidegate.settings import NAMESPACE
from tidegate.windows.label_delay import sampled_delays
from tidegate.windows.label_history import Stored

logger = Logger(service="feedback")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one HTTP API event (payload format 2.0)."""
    try:
        with wiring.unavailable_is_told():
            answer = _store(event)
    except TidegateError as error:
        logger.warning("refused", extra={"type": type(error).__name__})
        answer = refusal(error)
    except Exception as error:  # noqa: BLE001  # its text may hold a value, so only the class is told
        logger.error("failed", extra={"type": type(error).__name__})
        answer = failure()
    return answer.to_event()


def _store(event: dict[str, Any]) -> Answer:
    settings, request = wiring.settings(), read_request(event)
    labels = read_feedback(
        request.content(limit=MAX_BYTES),
        key=settings.receipt_key,
        model=request.model,
        at=utc_now(),
        contract_of=lambda version: _contract(request.model, version),
    )
    stored = wiring.ledger().put_labels(labels)
    _measure(settings.env, request.model, stored)
    return success(stored.to_answer())


@cache
def _contract(model: str, version: int) -> Contract:
    digest = wiring.registry().version(model, version).package_digest
    return wiring.catalog().package(model, digest).contract


def _measure(env: str, model: str, stored: Stored) -> None:
    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE)
    metrics.service = ""  # else a third dimension, which is another metric
    metrics.add_dimension("Env", env)
    metrics.add_dimension("Model", model)
    for name, count in stored.to_metrics().items():
        metrics.add_metric(name, MetricUnit.Count, count)
    for seconds in sampled_delays(stored.new):
        metrics.add_metric("LabelDelay", MetricUnit.Seconds, seconds)
    metrics.flush_metrics()
