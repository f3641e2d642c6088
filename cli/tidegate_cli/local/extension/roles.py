"""Roles: ask the emulator's own IAM evaluation what a role may do.

The emulator authorises API calls. Calls that a service makes for a role (a state machine's task, a
schedule's target, a training job) do not pass its API, so they are judged here by the same rules.
"""

import time
from typing import Any

from . import seams

_KEEP_SECONDS = 2.0
_known: dict[tuple[str, str, str, str], tuple[float, bool]] = {}


def allowed(
    role_arn: str, action: str, resource: str, context: dict[str, str] | None = None
) -> bool:
    """Tell whether the role's policies allow an action on a resource."""
    key = (role_arn, action, resource, repr(context))
    found = _known.get(key)
    now = time.monotonic()
    if found is None or now - found[0] > _KEEP_SECONDS:
        if len(_known) > 10_000:  # resources carry names of jobs and streams: do not grow for ever
            _known.clear()
        found = _known[key] = (now, _evaluate(role_arn, action, resource, context or {}))
    return found[1]


def may_at_all(role_arn: str, action: str) -> bool:
    """Tell whether any Allow statement of the role names the action, whatever the resource."""
    evaluator = seams.load("ministack.core.iam_evaluator")
    if not seams.load("ministack.app").AUTH:
        return True
    account, name = _split(role_arn)
    return any(
        statement.effect == "Allow"
        and evaluator._action_matches(action, statement.actions, statement.not_actions)
        for policy in evaluator._gather_role_policies(name, account)
        for statement in policy
    )


def denial(role_arn: str, action: str, resource: str) -> str:
    """Give AWS's message for a denied call of a role."""
    account, name = _split(role_arn)
    return (
        f"User: arn:aws:sts::{account}:assumed-role/{name}/tidegate-local is not authorized to "
        f"perform: {action} on resource: {resource} because no identity-based policy allows the "
        f"{action} action"
    )


def _evaluate(role_arn: str, action: str, resource: str, context: dict[str, str]) -> bool:
    evaluator = seams.load("ministack.core.iam_evaluator")
    if not seams.load("ministack.app").AUTH:
        return True
    account, name = _split(role_arn)
    request: Any = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/tidegate-local",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region="us-east-1",
        service_context={key.lower(): value for key, value in context.items()},
    )
    policies = evaluator._gather_role_policies(name, account)
    return bool(evaluator.evaluate(request, policies).decision == "Allow")


def _split(role_arn: str) -> tuple[str, str]:
    return role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
