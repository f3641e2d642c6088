"""Provisioners: resource types that CloudFormation has and the emulator's does not.

Composite alarms and budgets go through the emulator's own services; an alarm on metric math is kept
with its `Metrics` and evaluated by our ticker.
"""

import json
from collections.abc import Callable
from typing import Any

from . import seams

_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_METRICS = "ministack.services.cloudwatch"
_Created = tuple[str, dict[str, Any]]
_Create = Callable[[str, dict[str, Any], str], _Created]


class ProvisionError(ValueError):
    """A resource the emulated service refused."""


def install() -> None:
    """Register the missing types and take over alarms on metric math."""
    handlers = seams.load(_PROVISIONERS)._RESOURCE_HANDLERS
    handlers["AWS::CloudWatch::CompositeAlarm"] = _handlers(_composite_alarm, _delete_composite)
    handlers["AWS::Budgets::Budget"] = _handlers(_budget, _delete_budget)
    plain = handlers["AWS::CloudWatch::Alarm"]
    handlers["AWS::CloudWatch::Alarm"] = {
        **plain,
        "create": _alarm_with_math(plain["create"]),
        "update": _update_with_math(plain["update"]),
    }


def _handlers(create: _Create, delete: Callable[[str, dict[str, Any]], None]) -> dict[str, Any]:
    def update(
        physical_id: str, _old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> _Created:
        return create(physical_id, {"AlarmName": physical_id, **new}, stack_name)

    return {"create": create, "update": update, "delete": delete}


def _composite_alarm(logical_id: str, props: dict[str, Any], stack_name: str) -> _Created:
    name = props.get("AlarmName") or f"{stack_name}-{logical_id}"
    service = seams.load(_METRICS)
    request = {**props, "AlarmName": name, "ActionsEnabled": _flag(props.get("ActionsEnabled"))}
    status, _, body = service._put_composite_alarm({}, request, False, True)
    if status >= 400:
        raise ProvisionError(_text(body))
    return name, {"Arn": service._composite_alarms[name]["AlarmArn"]}


def _delete_composite(physical_id: str, _props: dict[str, Any]) -> None:
    seams.load(_METRICS)._composite_alarms.pop(physical_id, None)


def _budget(logical_id: str, props: dict[str, Any], stack_name: str) -> _Created:
    budget = dict(props["Budget"])
    budget.setdefault("BudgetName", f"{stack_name}-{logical_id}")
    limit = budget.get("BudgetLimit")
    if limit:
        budget["BudgetLimit"] = {**limit, "Amount": str(limit["Amount"])}
    service = seams.load("ministack.services.budgets")
    service._delete_budget({"AccountId": _account(), "BudgetName": budget["BudgetName"]})
    answer = service._create_budget(
        {
            "AccountId": _account(),
            "Budget": budget,
            "NotificationsWithSubscribers": props.get("NotificationsWithSubscribers") or [],
        }
    )
    if answer[0] >= 400:
        raise ProvisionError(_text(answer[2]))
    return budget["BudgetName"], {}


def _delete_budget(physical_id: str, _props: dict[str, Any]) -> None:
    service = seams.load("ministack.services.budgets")
    service._delete_budget({"AccountId": _account(), "BudgetName": physical_id})


def _alarm_with_math(create: Any) -> _Create:
    def create_alarm(logical_id: str, props: dict[str, Any], stack_name: str) -> _Created:
        created: _Created = create(logical_id, _described(props), stack_name)
        _keep_metrics(created[0], props)
        return created

    return create_alarm


def _update_with_math(update: Any) -> Callable[..., Any]:
    def update_alarm(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any
    ) -> Any:
        updated = update(physical_id, _described(old), _described(new), *rest, **named)
        name = updated[0] if isinstance(updated, tuple) else physical_id
        _keep_metrics(name, new)
        return updated

    return update_alarm


def _described(props: dict[str, Any]) -> dict[str, Any]:
    """Stand a metric in for an expression: the emulator insists on a namespace and a name."""
    if not props.get("Metrics"):
        return props
    period = max(_period(query) for query in props["Metrics"])
    stand_in = {"Namespace": "-", "MetricName": "-", "Statistic": "Average", "Period": period}
    return {**{k: v for k, v in props.items() if k != "Metrics"}, **stand_in}


def _keep_metrics(name: str, props: dict[str, Any]) -> None:
    if props.get("Metrics"):
        alarm = seams.load(_METRICS)._alarms[name]
        alarm.update(Metrics=props["Metrics"], MetricName="", Namespace="")


def _period(query: dict[str, Any]) -> int:
    return int(query.get("Period") or (query.get("MetricStat") or {}).get("Period") or 60)


def _flag(value: Any) -> bool:
    return str(value).lower() not in ("false", "0", "no")


def _account() -> str:
    return str(seams.load("ministack.core.responses").get_account_id())


def _text(body: bytes | str) -> str:
    text = body.decode() if isinstance(body, bytes) else body
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return text
    return str(document.get("message") or document.get("Message") or text)
