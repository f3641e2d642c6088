"""EventBridge as announcer: one entry per event, and no failure ever reaches the caller."""

from __future__ import annotations

import json
import logging
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from tests.fakes.made import START
from tidegate.aws.event_bus import EventBus
from tidegate.registry.values import Event
from tidegate.settings import ANNOUNCEMENT_FAILED

EVENT = Event("iris", 3, "VersionRegistered", START, "ann", "new data", evidence={"n": 1})


@pytest.fixture
def client() -> Any:
    return boto3.client(
        "events", region_name="eu-west-1", aws_access_key_id="t", aws_secret_access_key="t"
    )


def test_an_event_goes_to_the_bus_with_its_kind(client: Any) -> None:
    sent: list[dict[str, Any]] = []
    client.meta.events.register(
        "provide-client-params.events.PutEvents", lambda params, **_: sent.append(params)
    )
    with Stubber(client) as api:
        api.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{}]}, {"Entries": ANY})
        EventBus(client, bus="tidegate-dev").announce(EVENT)
    entry = sent[0]["Entries"][0]
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (
        "tidegate-dev",
        "tidegate",
        "VersionRegistered",
    )
    detail = json.loads(entry["Detail"])
    assert (detail["at"], detail["sequence"]) == ("2026-11-22T10:00:00.000Z", 3)


@pytest.mark.parametrize("refused", [True, False], ids=["call", "entry"])
def test_a_failure_is_logged_and_not_raised(
    client: Any, caplog: pytest.LogCaptureFixture, refused: bool
) -> None:
    with Stubber(client) as api:
        if refused:
            api.add_client_error("put_events", "ThrottlingException", "slow down")
        else:
            entries = [{"ErrorCode": "InternalFailure"}]
            api.add_response("put_events", {"FailedEntryCount": 1, "Entries": entries})
        with caplog.at_level(logging.ERROR):
            EventBus(client, bus="tidegate-dev").announce(EVENT)
    assert ANNOUNCEMENT_FAILED in caplog.text
    assert "iris 3 VersionRegistered" in caplog.text
