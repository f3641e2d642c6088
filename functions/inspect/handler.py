"""Inspect: refuse a job's output that is not what it says; store the package under its digest."""

from __future__ import annotations

from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.package.bounded import BoundedSession, Limits
from tidegate.training.house import House
from tidegate.training.intake import take_in

logger = Logger(service="inspect")
LIMITS = Limits(memory_mb=2048, cpu_seconds=60, wall_seconds=90.0)  # of this function's 3,008 MB


@logger.inject_lambda_context(correlation_id_path="run")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take in what the job of a run left behind; its key is derived, not the event's uri."""
    house = House(wiring.catalog(), wiring.settings())
    stored = take_in(
        str(event["model"]),
        run=str(event["run"]),
        job=str(event["job"]),
        house=house,
        open_session=partial(BoundedSession, limits=LIMITS),
    )
    answer = stored.to_answer()
    logger.info("stored", extra=answer)
    return answer
