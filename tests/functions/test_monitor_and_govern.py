"""Handlers of monitor and governor: metrics as alarms watch them, one decision per alarm."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes import made
from tests.fakes.switch import MemorySwitch
from tests.fakes.workflows import MemoryWorkflows
from tidegate import wiring
from tidegate.monitoring import monitor as monitoring
from tidegate.monitoring.values import Look
from tidegate.project import GovernorPolicy, MonitorPolicy
from tidegate.registry.values import DriftReport
from tidegate.settings import Settings

MODEL = "iris"
SETTINGS = Settings("dev", "123456789012", "us-east-1", time_scale="1")
REPORT = DriftReport(
    MODEL, "2026-11-22T10:00:00.000Z", "drift", True, 2.5, ("temp",), 900, performance=0.7
)
CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
    aws_request_id="r",
    get_remaining_time_in_millis=lambda: 30_000,
)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "monitor",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS)
    with mock_aws():
        yield monkeypatch


@pytest.fixture
def governor(cloud: pytest.MonkeyPatch) -> SimpleNamespace:
    registry, _ = made.registry()
    workflows = MemoryWorkflows()
    project = SimpleNamespace(governor=GovernorPolicy())
    catalog = SimpleNamespace(registry=registry, project=lambda _: project)
    cloud.setattr(wiring, "catalog", lambda: catalog)
    cloud.setattr(wiring, "machines", lambda: workflows)
    switch = MemorySwitch()
    cloud.setattr(wiring, "automation", lambda: switch)
    keys = ("PK", "SK")
    boto3.client("dynamodb").create_table(
        TableName=SETTINGS.names.ledger_table,
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        KeySchema=[
            {"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=True)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    registry.report_drift(REPORT, at=made.START)
    from functions.govern import handler

    handler._once.cache_clear()
    return SimpleNamespace(
        handle=handler.handle, registry=registry, workflows=workflows, switch=switch
    )


def alarm(timestamp: str = "2026-11-22T10:00:00.125+0000", event_id: str = "1") -> dict[str, Any]:
    metric = {"namespace": "Tidegate", "dimensions": {"Env": "dev", "Model": MODEL}}
    return {
        "id": event_id,
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "detail": {
            "alarmName": "tidegate-dev-iris-drift",
            "state": {"value": "ALARM", "timestamp": timestamp},
            "configuration": {"metrics": [{"metricStat": {"metric": metric}}]},
        },
    }


def decided(registry: Any) -> list[Any]:
    return [event for event in registry.events(MODEL) if event.kind == "GovernorDecided"]


def test_an_alarm_that_comes_twice_is_decided_once(governor: SimpleNamespace) -> None:
    first = governor.handle(alarm(event_id="1"), CONTEXT)
    again = governor.handle(alarm(event_id="2"), CONTEXT)
    assert first == again
    assert first["action"] == "retrain"
    assert list(governor.workflows.trainings) == [first["run"]]
    assert len(decided(governor.registry)) == 1


def test_the_record_of_a_decision_lies_in_the_ledger_and_expires(
    governor: SimpleNamespace,
) -> None:
    governor.handle(alarm(), CONTEXT)
    items = boto3.client("dynamodb").scan(TableName=SETTINGS.names.ledger_table)["Items"]
    assert [item["PK"]["S"] for item in items] == ["I#govern"]
    assert "expires" in items[0]


def test_a_later_alarm_is_a_decision_of_its_own(governor: SimpleNamespace) -> None:
    governor.handle(alarm(), CONTEXT)
    later = governor.handle(alarm("2026-11-22T10:05:00.000+0000"), CONTEXT)
    assert later["action"] == "ignore"
    assert len(decided(governor.registry)) == 2


def test_a_paused_governor_says_who_paused_it(governor: SimpleNamespace) -> None:
    governor.switch.text = "paused: ann: audit"
    answer = governor.handle(alarm(), CONTEXT)
    assert (answer["action"], answer["run"]) == ("notify", "")
    assert answer["reason"].endswith("automation is paused by ann: audit")
    assert governor.workflows.trainings == {}


def test_two_alarms_of_the_same_moment_are_told_apart(governor: SimpleNamespace) -> None:
    other = alarm()
    other["detail"]["alarmName"] = "tidegate-dev-rose-drift"
    governor.handle(alarm(), CONTEXT)
    governor.handle(other, CONTEXT)
    items = boto3.client("dynamodb").scan(TableName=SETTINGS.names.ledger_table)["Items"]
    assert len(items) == 2


def look(report: DriftReport) -> Look:
    return Look(report, version=2, until=made.START, coverage=0.25)


@pytest.fixture
def monitored(cloud: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    project = SimpleNamespace(monitor=MonitorPolicy())
    cloud.setattr(wiring, "catalog", lambda: SimpleNamespace(project=lambda _: project))
    cloud.setattr(wiring, "ledger", lambda: None)
    return cloud


def metrics_of(printed: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in printed.splitlines() if "_aws" in line]
    assert len(lines) == 1
    return lines[0]  # type: ignore[no-any-return]


def test_a_look_is_told_as_metrics_of_env_and_model_alone(
    monitored: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.monitor import handler

    monitored.setattr(monitoring.Monitor, "look_at", lambda *_, **__: look(REPORT))
    answer = handler.handle({"model": MODEL}, CONTEXT)
    found = metrics_of(capsys.readouterr().out)
    directive = found["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "Tidegate"
    assert [sorted(d) for d in directive["Dimensions"]] == [["Env", "Model"]]
    assert (found["Env"], found["Model"]) == ("dev", MODEL)
    told = {name: found[name] for name in (m["Name"] for m in directive["Metrics"])}
    assert told == {
        "DriftConfirmed": [1.0],
        "MonitorHeartbeat": [1.0],
        "DriftScore": [2.5],
        "LabelCoverage": [0.25],
        "Performance": [0.7],
    }
    assert json.loads(json.dumps(answer))["verdict"] == "drift"


def test_what_is_not_known_is_no_metric(
    monitored: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.monitor import handler

    report = replace(REPORT, performance=None)
    found = replace(look(report), coverage=None)
    monitored.setattr(monitoring.Monitor, "look_at", lambda *_, **__: found)
    handler.handle({"model": MODEL}, CONTEXT)
    names = {m["Name"] for m in _directive(capsys.readouterr().out)["Metrics"]}
    assert names == {"DriftConfirmed", "MonitorHeartbeat", "DriftScore"}


def test_the_heart_beats_before_the_first_release(
    monitored: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from functions.monitor import handler

    monitored.setattr(monitoring.Monitor, "look_at", lambda *_, **__: None)
    answer = handler.handle({"model": MODEL}, CONTEXT)
    assert answer["waiting"] == "the first release"
    assert [m["Name"] for m in _directive(capsys.readouterr().out)["Metrics"]] == [
        "MonitorHeartbeat"
    ]


def _directive(printed: str) -> dict[str, Any]:
    return metrics_of(printed)["_aws"]["CloudWatchMetrics"][0]  # type: ignore[no-any-return]


def test_importing_the_handlers_needs_no_environment() -> None:
    assert "TIDEGATE_ENV" not in os.environ
    from functions.govern import handler as govern
    from functions.monitor import handler as monitor

    assert callable(govern.handle)
    assert callable(monitor.handle)
