"""Register: a version with its lineage, signed, and approved when all gates passed."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.training.house import House
from tidegate.training.registration import Finished, register_run

logger = Logger(service="register")


@logger.inject_lambda_context(correlation_id_path="run")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Register what a run made; the same run again gets the same version."""
    done = Finished(
        model=str(event["model"]),
        run=str(event["run"]),
        package=str(event["package"]),
        size=int(event["size"]),
        memory_mb=int(event["memory_mb"]),
        job=str(event["job"]),
    )
    registered = register_run(
        done,
        House(wiring.catalog(), wiring.settings()),
        wiring.signer(),
        at=utc_now(),
        actor=str(event["actor"]),
        wanted=event.get("release", "auto") == "auto",
    )
    answer = registered.to_answer()
    logger.info("registered", extra=answer)
    return answer
