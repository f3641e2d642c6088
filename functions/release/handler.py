"""Release: one step of the release machine, chosen by `event["step"]`."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.errors import PackageError, RequestError
from tidegate.release import controller
from tidegate.release.controller import House
from tidegate.release.progress import Progress
from tidegate.settings import NAMESPACE

logger = Logger(service="release")
STEPS = {
    "begin": controller.begin,
    "publish": controller.publish,
    "verify": controller.verify,
    "shift": controller.shift,
    "finish": controller.finish,
    "rollback": controller.roll_back,
}
COUNTED = {"finish": "ReleasePromoted", "rollback": "ReleaseNotPromoted"}


@logger.inject_lambda_context(correlation_id_path="release")
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do the step and return the state for the next one; count a package that is refused."""
    name = str(event.get("step", ""))
    if name not in STEPS:
        raise RequestError(f"step {name!r} is none of {', '.join(STEPS)}")
    before, settings = Progress.from_event(event), wiring.settings()
    traffic = wiring.traffic(before.model)
    scale = float(settings.time_scale)
    house = House(wiring.registry(), traffic, wiring.catalog(), wiring.signer(), scale)
    try:
        after = STEPS[name](before, house, utc_now())
    except PackageError:
        _count("PackageRefused", settings.env, before.model)
        raise
    logger.info("step done", step=name, weight=after.weight, reason=after.reason)
    if name in COUNTED:
        _count(COUNTED[name], settings.env, after.model)
    return after.to_event()


def _count(what: str, env: str, model: str) -> None:
    with single_metric(what, MetricUnit.Count, 1, namespace=NAMESPACE) as metric:
        metric.add_dimension("Env", env)
        metric.add_dimension("Model", model)
