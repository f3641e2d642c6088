"""One suite for the automation switch, over the fake and over SSM (moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes.switch import MemorySwitch
from tidegate.aws.automation_parameter import AutomationParameter
from tidegate.governance.automation import ON, paused
from tidegate.settings import Names

NAME = Names("dev").automation_parameter
Turnable = MemorySwitch | AutomationParameter
World = tuple[Turnable, Callable[[], object]]


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "ssm", region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
        )
        client.put_parameter(Name=NAME, Value="on", Type="String")
        yield client


@pytest.fixture(params=["memory", "ssm"])
def world(request: pytest.FixtureRequest, ssm: Any) -> World:
    if request.param == "ssm":
        return AutomationParameter(ssm, name=NAME), lambda: ssm.delete_parameter(Name=NAME)
    memory = MemorySwitch()
    return memory, lambda: setattr(memory, "text", None)


def test_a_deployed_switch_is_on(world: World) -> None:
    assert world[0].automation() == ON


def test_a_turned_switch_is_read_at_once_by_who_turned_it(world: World) -> None:
    switch, _ = world
    switch.automation()
    switch.turn(paused("ann", "audit"))
    assert switch.automation() == paused("ann", "audit")
    switch.turn(ON)
    assert switch.automation().is_on


def test_a_switch_that_is_gone_is_off(world: World) -> None:
    switch, remove = world
    remove()
    found = switch.automation()
    assert not found.is_on
    assert found.reason.startswith("automation is taken as paused, its switch can't be read: ")


def test_a_refused_read_is_off_and_names_the_parameter(ssm: Any) -> None:
    refused = boto3.client(
        "ssm", region_name="us-east-1", endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="t", aws_secret_access_key="t",
    )  # fmt: skip
    found = AutomationParameter(refused, name=NAME).automation()
    assert not found.is_on
    assert NAME in found.reason


def test_within_seconds_the_switch_is_asked_once(ssm: Any) -> None:
    asked: list[str] = []
    ssm.meta.events.register(
        "before-call.ssm.GetParameter", lambda params, **_: asked.append(params["body"])
    )
    switch = AutomationParameter(ssm, name=NAME)
    for _ in range(5):
        switch.automation()
    assert len(asked) == 1
