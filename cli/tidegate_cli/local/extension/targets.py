"""Targets: what a rule or a schedule invokes, asked of its role and retried like any async call.

The emulator invokes a function target once, in a bare thread. AWS invokes it asynchronously: two
retries, then the function's failure destination or dead-letter queue.
"""

import json
import logging
from typing import Any

from . import roles, seams

_EVENTS = "ministack.services.eventbridge"
_LAMBDA = "ministack.services.lambda_svc"
_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "states": "states:StartExecution",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
}
_log = logging.getLogger("tidegate.targets")


def install() -> None:
    """Ask roles, and invoke functions asynchronously."""
    invoke = seams.load(_EVENTS)._invoke_target

    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        if permitted(target):
            invoke(target, event, rule, view)

    seams.replace(_EVENTS, "_invoke_target", invoke_target)
    seams.replace(_EVENTS, "_dispatch_to_lambda", _invoke_function)


def permitted(target: dict[str, Any]) -> bool:
    """Ask the target's role; a target without one is guarded by its resource policy on AWS."""
    role, arn = target.get("RoleArn"), str(target.get("Arn", ""))
    action = _ACTIONS.get(arn.split(":")[2] if arn.count(":") > 2 else "")
    if not role or action is None or roles.allowed(role, action, arn):
        return True
    _log.error("target not invoked: %s", roles.denial(role, action, arn))
    metrics = seams.load("ministack.services.cloudwatch")
    metrics.record_metric("AWS/Scheduler", "TargetErrorCount", 1, "Count", {})
    return False


def _invoke_function(arn: str, payload: str) -> None:
    emulator = seams.load(_LAMBDA)
    record, config, name = emulator._get_func_record_for_ref(arn)
    if record is None:
        _log.warning("the target %s does not exist", name)
        return
    emulator.invoke_async_with_retry({**record, "config": config}, json.loads(payload))
