"""Platform, control and observability: stores that keep, doors that are shut, people who hear."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.constructs.control_functions import SHAPES
from stacks.constructs.sweep_schedule import every_minutes
from stacks.stage import read_stage
from tests.stacks.conftest import Synthesized, environments, synthesize


def table(cloud: Synthesized, env: str, name: str) -> dict[str, Any]:
    tables = cloud.resources(env, "platform", "AWS::DynamoDB::Table").values()
    return next(t for t in tables if t["Properties"]["TableName"] == f"tidegate-{env}-{name}")


def alarms(cloud: Synthesized, env: str) -> dict[str, dict[str, Any]]:
    found = cloud.all("AWS::CloudWatch::Alarm", env=env)
    return {alarm["Properties"]["AlarmName"]: alarm["Properties"] for _, alarm in found}


def topic_key(cloud: Synthesized, env: str) -> dict[str, Any]:
    """Return the properties of the platform's key that encrypts; the other one signs."""
    found = cloud.resources(env, "platform", "AWS::KMS::Key").values()
    return next(k["Properties"] for k in found if "KeySpec" not in k["Properties"])


def test_the_bucket_is_private_versioned_and_encrypted(cloud: Synthesized, env: str) -> None:
    bucket = cloud.one(env, "platform", "AWS::S3::Bucket")

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "BucketEncryption" in bucket
    policy = json.dumps(cloud.one(env, "platform", "AWS::S3::BucketPolicy")["PolicyDocument"])
    assert '"aws:SecureTransport": "false"' in policy
    assert '"Effect": "Allow"' not in policy


def test_only_what_runs_and_jobs_wrote_down_expires(cloud: Synthesized, env: str) -> None:
    rules = cloud.one(env, "platform", "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert [rule["Prefix"] for rule in rules] == ["runs/", "batch-jobs/"]


@pytest.mark.parametrize("name", ["registry", "ledger"])
def test_tables_are_on_demand_and_recoverable(cloud: Synthesized, env: str, name: str) -> None:
    found = table(cloud, env, name)["Properties"]

    assert [key["AttributeName"] for key in found["KeySchema"]] == ["PK", "SK"]
    assert found["BillingMode"] == "PAY_PER_REQUEST"
    assert found["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_the_registry_is_found_by_digest_and_the_ledger_forgets(
    cloud: Synthesized, env: str
) -> None:
    (index,) = table(cloud, env, "registry")["Properties"]["GlobalSecondaryIndexes"]
    ledger = table(cloud, env, "ledger")["Properties"]

    assert index["IndexName"] == "by-digest"
    assert index["KeySchema"] == [{"AttributeName": "digest", "KeyType": "HASH"}]
    assert ledger["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert "TimeToLiveSpecification" not in table(cloud, env, "registry")["Properties"]


def test_prod_keeps_its_data_and_the_others_go(cloud: Synthesized, env: str) -> None:
    kept = "Retain" if env == "prod" else "Delete"
    stores = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Logs::LogGroup")
    for kind in stores:
        for place, store in cloud.all(kind, env=env):
            assert store["DeletionPolicy"] == store["UpdateReplacePolicy"] == kept, place
    for _, found in cloud.all("AWS::DynamoDB::Table", env=env):
        assert found["Properties"].get("DeletionProtectionEnabled", False) is (env == "prod")


def test_stacks_of_prod_are_protected_from_termination(cloud: Synthesized) -> None:
    protected = {stage.node.id for stage in cloud.stages if stage.platform.termination_protection}

    assert protected == {"tidegate-prod"}


def test_the_api_is_throttled_and_logged(cloud: Synthesized, env: str) -> None:
    stage = cloud.one(env, "platform", "AWS::ApiGatewayV2::Stage")
    logged = json.loads(stage["AccessLogSettings"]["Format"])

    assert (
        stage["DefaultRouteSettings"]["ThrottlingRateLimit"]
        == (environments()[env]["throttle"]["rate"])
    )
    assert {"requestId", "caller", "routeKey", "status", "responseLatency"} <= set(logged)


def test_the_api_url_is_published(cloud: Synthesized, env: str) -> None:
    parameter = cloud.one(env, "platform", "AWS::SSM::Parameter")

    assert parameter["Name"] == f"/tidegate/{env}/api-url"


def test_the_alert_topic_is_encrypted_and_open_to_alarms_and_rules(
    cloud: Synthesized, env: str
) -> None:
    assert "KmsMasterKeyId" in cloud.one(env, "platform", "AWS::SNS::Topic")
    policy = cloud.one(env, "platform", "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = topic_key(cloud, env)["KeyPolicy"]["Statement"]

    assert any(s["Effect"] == "Deny" and "SecureTransport" in json.dumps(s) for s in policy)
    for service in ("cloudwatch.amazonaws.com", "events.amazonaws.com"):
        sender = {"Service": service}
        (publish,) = (s for s in policy if s["Principal"] == sender)
        (use,) = (s for s in key if s["Principal"] == sender)
        assert publish["Action"] == "sns:Publish"
        assert set(use["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
        # EventBridge sends no source account along: a condition would drop every event.
        for statement in (publish, use):
            assert ("Condition" in statement) is (service == "cloudwatch.amazonaws.com")


def test_people_are_subscribed_by_mail(models: Any) -> None:
    found = environments()
    found["dev"]["alert_emails"] = ["ops@example.com"]
    cloud = synthesize(models, env="dev", environments=found)

    subscription = cloud.one("dev", "platform", "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


def test_every_function_has_a_log_group_with_retention(cloud: Synthesized, env: str) -> None:
    days = environments()[env]["log_retention_days"]
    groups = {
        g["Properties"]["LogGroupName"]: g["Properties"]["RetentionInDays"]
        for _, g in cloud.all("AWS::Logs::LogGroup", env=env)
    }
    for _, function in cloud.all("AWS::Lambda::Function", env=env):
        assert groups[f"/aws/lambda/{function['Properties']['FunctionName']}"] == days
    assert set(groups.values()) == {days}


def test_events_that_fail_are_kept_and_rung(cloud: Synthesized, env: str) -> None:
    configured = cloud.resources(env, "control", "AWS::Lambda::EventInvokeConfig")
    queue = cloud.one(env, "control", "AWS::SQS::Queue")

    assert len(configured) == sum(not shape.waited_for for shape in SHAPES.values()) == 4
    assert queue["QueueName"] == f"tidegate-{env}-undelivered"
    assert f"tidegate-{env}-control-undelivered" in alarms(cloud, env)


def test_drift_alarms_of_this_environment_reach_the_governor(cloud: Synthesized, env: str) -> None:
    rule = cloud.one(env, "control", "AWS::Events::Rule")

    assert rule["EventPattern"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {
            "alarmName": [{"wildcard": f"tidegate-{env}-*-drift"}],
            "state": {"value": ["ALARM"]},
        },
    }
    assert "EventBusName" not in rule  # CloudWatch announces on the default bus
    assert "FunctionsGovernFunction" in json.dumps(rule["Targets"][0]["Arn"])
    assert "DeadLetterConfig" in rule["Targets"][0]


def test_rollbacks_failures_and_decisions_reach_people(cloud: Synthesized, env: str) -> None:
    rule = cloud.one(env, "observability", "AWS::Events::Rule")

    assert rule["EventBusName"] == f"tidegate-{env}"
    assert set(rule["EventPattern"]["detail-type"]) >= {
        "ReleaseRolledBack",
        "RunFailed",
        "GovernorDecided",
    }
    assert f":tidegate-{env}-alerts" in json.dumps(rule["Targets"][0]["Arn"])


@pytest.mark.parametrize("verb", sorted(SHAPES))
def test_every_function_error_rings(cloud: Synthesized, verb: str) -> None:
    alarm = alarms(cloud, "prod")[f"tidegate-prod-control-{verb}-errors"]

    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": f"tidegate-prod-{verb}"}]
    assert alarm["ActionsEnabled"] is True
    assert ":tidegate-prod-alerts" in json.dumps(alarm["AlarmActions"])


@pytest.mark.parametrize(
    ("maturity", "schedule", "alerts", "governor"),
    [
        (1, "DISABLED", False, "DISABLED"),
        (2, "ENABLED", False, "DISABLED"),
        (3, "ENABLED", True, "DISABLED"),
        (4, "ENABLED", True, "ENABLED"),
    ],
)
def test_each_level_of_maturity_adds_to_the_one_before(
    models: Any, maturity: int, schedule: str, alerts: bool, governor: str
) -> None:
    found = environments()
    found["dev"]["maturity"] = maturity
    cloud = synthesize(models, env="dev", environments=found)

    states = {
        woken["Properties"]["Name"]: woken["Properties"]["State"]
        for _, woken in cloud.all("AWS::Scheduler::Schedule")
    }
    assert states == {
        "tidegate-dev-ferry-delay-monitor": schedule,
        "tidegate-dev-sweep": "ENABLED",  # upkeep, at every level
    }
    assert {alarm["ActionsEnabled"] for alarm in alarms(cloud, "dev").values()} == {alerts}
    notices = cloud.one("dev", "observability", "AWS::Events::Rule")
    assert notices["State"] == ("ENABLED" if alerts else "DISABLED")
    assert cloud.one("dev", "control", "AWS::Events::Rule")["State"] == governor


@pytest.mark.parametrize(
    ("named", "rings", "functions"),
    [
        ("AnnouncementFailed", "announcements-failed", 8),  # those that commit to the registry
        ("CorruptRecordError", "corrupt-records", len(SHAPES)),
    ],
)
def test_a_log_line_that_names_it_is_counted_and_rings(
    cloud: Synthesized, env: str, named: str, rings: str, functions: int
) -> None:
    filters = cloud.resources(env, "control", "AWS::Logs::MetricFilter").values()
    alarm = alarms(cloud, env)[f"tidegate-{env}-control-{rings}"]

    found = [f["Properties"] for f in filters if f["Properties"]["FilterPattern"] == f'"{named}"']
    counted = {
        (m["MetricNamespace"], m["MetricName"])
        for one in found
        for m in one["MetricTransformations"]
    }
    assert counted == {(alarm["Namespace"], alarm["MetricName"])}
    assert len({json.dumps(one["LogGroupName"]) for one in found}) == functions


def test_one_schedule_sweeps_every_hour_of_the_environment(cloud: Synthesized, env: str) -> None:
    schedule = cloud.one(env, "control", "AWS::Scheduler::Schedule")

    assert schedule["ScheduleExpression"] == "rate(60 minutes)"
    assert schedule["GroupName"] == f"tidegate-{env}"
    assert f":function:tidegate-{env}-sweep" in json.dumps(schedule["Target"]["Arn"])
    assert "DeadLetterConfig" in schedule["Target"]


def test_a_sweep_that_stops_rings(cloud: Synthesized, env: str) -> None:
    alarm = alarms(cloud, env)[f"tidegate-{env}-control-sweep-heartbeat"]

    assert (alarm["Namespace"], alarm["MetricName"]) == ("Tidegate", "SweepHeartbeat")
    assert alarm["Dimensions"] == [{"Name": "Env", "Value": env}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (3600, 2)
    assert alarm["TreatMissingData"] == "breaching"


def test_a_sweep_is_never_due_before_the_one_before_can_be_done() -> None:
    slow = read_stage({"local": {**environments()["local"], "time_scale": 0.0005}}, "local")

    assert every_minutes(slow) * 60 * slow.time_scale >= 15


def test_the_governors_switch_is_on_at_first(cloud: Synthesized, env: str) -> None:
    parameter = cloud.one(env, "control", "AWS::SSM::Parameter")

    assert (parameter["Name"], parameter["Value"]) == (f"/tidegate/{env}/automation", "on")


def test_the_dashboard_has_a_row_per_model(cloud: Synthesized, env: str) -> None:
    body = json.dumps(cloud.one(env, "observability", "AWS::CloudWatch::Dashboard"))

    for shown in ("## ferry-delay", "DriftScore", "LabelCoverage", "ExecutionsFailed", "5xx"):
        assert shown in body
