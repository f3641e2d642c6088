"""Batch: plan a job or finish it, chosen by `event["step"]`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.batch.addresses import Buckets
from tidegate.batch.finishing import finish
from tidegate.batch.house import House
from tidegate.batch.planning import Plan, choose_version, make_plan
from tidegate.batch.values import Order
from tidegate.clock import stamp, utc_now
from tidegate.errors import RequestError
from tidegate.release import authenticity

logger = Logger(service="batch")


@logger.inject_lambda_context(correlation_id_path="order.job")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do the step; a plan is made of a version whose signature and bytes are checked."""
    order, house, now = Order.from_event(event.get("order")), _house(), stamp(utc_now())
    if event.get("step") == "plan":
        version = choose_version(order, house)
        verifier, shelf = wiring.signer(), wiring.catalog()
        authenticity.check(version, registry=shelf.registry, shelf=shelf, verifier=verifier)
        plan = make_plan(order, version, house, now)
        logger.info("planned", objects=plan.objects, version=plan.version)
        return asdict(plan)
    if event.get("step") != "finish":
        raise RequestError(f"step {event.get('step')!r} is none of plan, finish")
    ending = finish(order, Plan.from_event(event.get("plan")), house, now)
    logger.info("finished", status=ending.status, totals=asdict(ending.totals))
    return asdict(ending)


def _house() -> House:
    settings = wiring.settings()
    others = tuple(filter(None, settings.batch_buckets.split(",")))
    return House(wiring.registry(), wiring.objects(), Buckets(settings.artifacts_bucket, others))
