"""Snapshot: fix the inputs of a training, and answer with a job or an earlier version."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.training.house import House
from tidegate.training.orders import TrainOrder
from tidegate.training.snapshot import take_snapshot

logger = Logger(service="snapshot")


@logger.inject_lambda_context(correlation_id_path="run")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the snapshot of an order."""
    house = House(wiring.catalog(), wiring.settings())
    answer = take_snapshot(TrainOrder.from_event(event), house, utc_now()).to_answer()
    logger.info("snapshot", reused=answer["reused"], version=answer["version"])
    return answer
