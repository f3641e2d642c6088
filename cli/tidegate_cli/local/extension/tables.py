"""Tables: time to live and point-in-time recovery of tables that CloudFormation makes.

The emulator has both as API calls and leaves them out of its resource types.
"""

from collections.abc import Callable
from typing import Any

from . import seams

_PROVISIONERS = "ministack.services.cloudformation.provisioners"
_DYNAMODB = "ministack.services.dynamodb"


def install() -> None:
    """Apply both settings after a table is made or changed."""
    handlers = seams.load(_PROVISIONERS)._RESOURCE_HANDLERS
    for kind in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        plain = handlers[kind]
        handlers[kind] = {
            **plain,
            "create": _created(plain["create"]),
            "update": _updated(plain["update"]),
        }


def _created(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_table(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, props, stack_name)
        _apply(made[0], props)
        return made

    return create_table


def _updated(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_table(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any
    ) -> Any:
        made = update(physical_id, old, new, *rest, **named)
        _apply(made[0] if isinstance(made, tuple) else physical_id, new)
        return made

    return update_table


def _apply(name: str, props: dict[str, Any]) -> None:
    service = seams.load(_DYNAMODB)
    ttl = props.get("TimeToLiveSpecification")
    if ttl and ttl.get("AttributeName"):
        enabled = _true(ttl.get("Enabled"))
        service._update_ttl(
            {"TableName": name, "TimeToLiveSpecification": {**ttl, "Enabled": enabled}}
        )
    replica: dict[str, Any] = (props.get("Replicas") or [{}])[0]
    recovery = (
        props.get("PointInTimeRecoverySpecification")
        or replica.get("PointInTimeRecoverySpecification")
        or {}
    )
    enabled = _true(recovery.get("PointInTimeRecoveryEnabled"))
    service._update_continuous_backups(
        {
            "TableName": name,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled},
        }
    )


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
