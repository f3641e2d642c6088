"""A model's stack: deployments never move its traffic, and everything around it is closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.constructs.endpoint import HANDLER, SEED
from tests.fakes.model_folder import MODEL_TOML, write_model_folder
from tests.stacks.conftest import MODEL, Synthesized, cdk_context, synthesize

STACK = f"model-{MODEL}"


def traffic(cloud: Synthesized, env: str) -> dict[str, Any]:
    """Return version and alias exactly as the template has them."""
    kinds = ("AWS::Lambda::Version", "AWS::Lambda::Alias")
    return {k: r for kind in kinds for k, r in cloud.resources(env, STACK, kind).items()}


def function(cloud: Synthesized, env: str) -> dict[str, Any]:
    return cloud.one(env, STACK, "AWS::Lambda::Function")


def test_version_and_alias_do_not_change_with_memory_environment_or_layers(
    cloud: Synthesized, tmp_path: Path
) -> None:
    serving = "[serving]\nmemory_mb = 3008\ntimeout_seconds = 7\nflush_seconds = 5\n"
    serving += "flush_rows = 7\nflush_at_shutdown = false\nsample_share = 0.25\n"
    write_model_folder(tmp_path, toml=MODEL_TOML.replace("[serving]\nmemory_mb = 1024\n", serving))
    environments = cdk_context()["environments"]
    environments["prod"] |= {"architecture": "x86_64", "python": "3.14", "time_scale": 1}
    after = synthesize(tmp_path, env="prod", environments=environments)

    assert (function(cloud, "prod")["MemorySize"], function(after, "prod")["MemorySize"]) == (
        1024,
        3008,
    )
    told = function(after, "prod")["Environment"]["Variables"]
    names = ("SECONDS", "ROWS", "AT_SHUTDOWN")
    assert [told[f"TIDEGATE_FLUSH_{name}"] for name in names] == ["5", "7", "off"]
    assert told["TIDEGATE_SAMPLE_SHARE"] == "0.25"
    layers = "AWS::Lambda::LayerVersion"
    assert after.resources("prod", STACK, layers) != cloud.resources("prod", STACK, layers)
    assert traffic(after, "prod") == traffic(cloud, "prod")


def test_snapstart_is_a_switch_that_leaves_version_and_alias_alone(
    cloud: Synthesized, tmp_path: Path
) -> None:
    serving = "[serving]\nmemory_mb = 1024\n"
    toml = MODEL_TOML.replace(serving, f"{serving}snapstart = true\n")
    write_model_folder(tmp_path, toml=toml)
    after = synthesize(tmp_path, env="prod", environments=cdk_context()["environments"])

    assert "SnapStart" not in function(cloud, "prod")
    assert function(after, "prod")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert traffic(after, "prod") == traffic(cloud, "prod")


def test_nothing_refers_to_a_current_version(cloud: Synthesized, env: str) -> None:
    found = traffic(cloud, env)
    (version,) = (r for r in found.values() if r["Type"] == "AWS::Lambda::Version")
    (alias,) = (r for r in found.values() if r["Type"] == "AWS::Lambda::Alias")

    assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"
    assert set(version["Properties"]) == {"FunctionName", "Description"}
    assert alias["Properties"]["Name"] == "live"
    assert set(alias["Properties"]) == {"Name", "Description", "FunctionName", "FunctionVersion"}


def test_layers_of_published_versions_are_kept(cloud: Synthesized) -> None:
    for place, layer in cloud.all("AWS::Lambda::LayerVersion"):
        assert layer["UpdateReplacePolicy"] == "Retain", place


def test_the_function_is_the_framework_on_a_seed(cloud: Synthesized, env: str) -> None:
    found = function(cloud, env)

    assert found["FunctionName"] == f"tidegate-{env}-model-{MODEL}"
    assert found["Handler"] == HANDLER
    assert len(found["Layers"]) == 2
    assert [path.name for path in SEED.iterdir()] == ["NO_RELEASE_YET"]


def test_the_receipt_key_is_resolved_by_cloudformation(cloud: Synthesized, env: str) -> None:
    key = function(cloud, env)["Environment"]["Variables"]["TIDEGATE_RECEIPT_KEY"]

    assert "{{resolve:secretsmanager:" in json.dumps(key)


def test_every_route_is_signed(cloud: Synthesized, env: str) -> None:
    routes = cloud.resources(env, STACK, "AWS::ApiGatewayV2::Route").values()

    assert {r["Properties"]["RouteKey"] for r in routes} == {
        f"POST /models/{MODEL}/predict",
        f"GET /models/{MODEL}",
        f"GET /models/{MODEL}/openapi.json",
        f"GET /models/{MODEL}/v2",
        f"GET /models/{MODEL}/v2/{{proxy+}}",
        f"POST /models/{MODEL}/v2/{{proxy+}}",
        f"POST /models/{MODEL}/feedback",
    }
    assert {r["Properties"]["AuthorizationType"] for r in routes} == {"AWS_IAM"}


def test_the_api_calls_the_alias_and_its_own_routes_only(cloud: Synthesized, env: str) -> None:
    (alias,) = cloud.resources(env, STACK, "AWS::Lambda::Alias")
    permissions = cloud.resources(env, STACK, "AWS::Lambda::Permission").values()

    assert {json.dumps(p["Properties"]["FunctionName"]) for p in permissions} == {
        json.dumps({"Ref": alias})
    }
    sources = json.dumps([p["Properties"]["SourceArn"] for p in permissions])
    assert f"/*/POST/models/{MODEL}/predict" in sources
    assert f'/*/GET/models/{MODEL}"' in sources
    assert f'/*/GET/models/{MODEL}/openapi.json"' in sources
    assert f'/*/GET/models/{MODEL}/v2"' in sources
    assert f"/*/GET/models/{MODEL}/v2/*" in sources
    assert f"/*/POST/models/{MODEL}/v2/*" in sources
    assert "*/*/models" not in sources


def test_windows_are_sent_to_collect(cloud: Synthesized, env: str) -> None:
    found = cloud.one(env, STACK, "AWS::Logs::SubscriptionFilter")

    assert found["FilterPattern"] == '{ $.kind = "window" }'
    assert f":function:tidegate-{env}-collect" in json.dumps(found["DestinationArn"])


def test_the_monitor_is_woken_with_retries_and_a_dead_letter_queue(cloud: Synthesized) -> None:
    found = cloud.one("prod", STACK, "AWS::Scheduler::Schedule")

    assert found["ScheduleExpression"] == "rate(60 minutes)"
    assert found["GroupName"] == "tidegate-prod"
    assert json.loads(found["Target"]["Input"])["model"] == MODEL
    assert found["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 3
    assert "tidegate-prod-undelivered" in json.dumps(found["Target"]["DeadLetterConfig"])


def test_a_minute_is_written_in_the_singular(tmp_path: Path) -> None:
    write_model_folder(
        tmp_path, toml=MODEL_TOML.replace("[monitor]", "[monitor]\nevery_minutes = 1")
    )
    found = synthesize(tmp_path, env="dev").one("dev", STACK, "AWS::Scheduler::Schedule")

    assert found["ScheduleExpression"] == "rate(1 minute)"


@pytest.mark.parametrize(
    ("alarm", "metric", "missing", "comparison"),
    [
        ("drift", "DriftConfirmed", "notBreaching", "GreaterThanOrEqualToThreshold"),
        ("monitor-heartbeat", "MonitorHeartbeat", "breaching", "LessThanThreshold"),
    ],
)
def test_the_monitors_alarms_watch_what_the_monitor_writes(
    cloud: Synthesized, env: str, alarm: str, metric: str, missing: str, comparison: str
) -> None:
    alarms = [
        a["Properties"] for a in cloud.resources(env, STACK, "AWS::CloudWatch::Alarm").values()
    ]
    found = next(a for a in alarms if a["AlarmName"] == f"tidegate-{env}-{MODEL}-{alarm}")

    assert (found["Namespace"], found["MetricName"]) == ("Tidegate", metric)
    assert (found["TreatMissingData"], found["ComparisonOperator"]) == (missing, comparison)
    dimensions = {d["Name"]: d["Value"] for d in found["Dimensions"]}
    assert dimensions == {"Env": env, "Model": MODEL}
