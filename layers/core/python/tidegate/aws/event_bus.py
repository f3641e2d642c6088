"""The announcer over EventBridge: every committed event, with its kind as detail-type."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tidegate.clock import stamp
from tidegate.registry.values import Event
from tidegate.settings import ANNOUNCEMENT_FAILED, EVENT_SOURCE

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

_log = logging.getLogger(__name__)


class EventBus:
    """`Announcer` on one bus."""

    def __init__(self, client: EventBridgeClient, *, bus: str) -> None:
        """Send to `bus`."""
        self._client, self._bus = client, bus

    def announce(self, event: Event) -> None:
        """Put the event on the bus; a failure is logged as `AnnouncementFailed`, never raised."""
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus,
                        "Source": EVENT_SOURCE,
                        "DetailType": event.kind,
                        "Detail": json.dumps({**asdict(event), "at": stamp(event.at)}),
                        "Time": event.at,
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            _report(event, str(error))
            return
        if answer["FailedEntryCount"]:
            _report(event, str(answer["Entries"][0].get("ErrorCode")))


def _report(event: Event, why: str) -> None:
    _log.error("%s %s %s %s: %s", ANNOUNCEMENT_FAILED, event.model, event.sequence, event.kind, why)
