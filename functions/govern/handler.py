"""Govern: an alarm changed its state -> decide -> act -> record, once per state change."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.governance.alarm import finding_of
from tidegate.governance.governor import Governor

logger = Logger(service="govern")
config = IdempotencyConfig(
    event_key_jmespath="[alarmName, state.timestamp, state.value]",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=86_400,
)


@logger.inject_lambda_context(correlation_id_path="id")
@event_source(data_class=EventBridgeEvent)
def handle(event: EventBridgeEvent, context: LambdaContext) -> dict[str, str]:
    """Decide on the alarm in an event; the same state change again gets the same answer."""
    config.register_lambda_context(context)
    answer: dict[str, str] = _once()(detail=event.detail)
    logger.info("decided", extra=answer)
    return answer


@cache
def _once() -> Any:  # noqa: ANN401  # the decorator is untyped
    store = DynamoDBPersistenceLayer(
        table_name=wiring.settings().names.ledger_table,
        key_attr="PK",
        sort_key_attr="SK",
        static_pk_value="I#govern",
        expiry_attr="expires",
    )
    return idempotent_function(
        _govern, data_keyword_argument="detail", persistence_store=store, config=config
    )


def _govern(detail: dict[str, Any]) -> dict[str, str]:
    scale = float(wiring.settings().time_scale)
    governor = Governor(wiring.catalog(), wiring.machines(), wiring.automation(), scale)
    finding = governor.with_report(finding_of(detail))
    decision = governor.govern(finding, now=utc_now())
    run = finding.run if decision.action == "retrain" else ""
    return {"action": decision.action, "reason": decision.reason, "run": run}
