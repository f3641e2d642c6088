"""Log lines become metrics, metrics alarms, alarms events; schedules fire in scaled time."""

import json
import time
from typing import Any

import pytest

from tests.local_cloud.driver import ACCOUNT, Driver, allow, eventually

pytestmark = pytest.mark.local
METRIC = """
import json
def handler(event, context):
    print("any prefix " + json.dumps({
        "_aws": {"Timestamp": event["now"], "CloudWatchMetrics": [{
            "Namespace": "Tidegate", "Dimensions": [["Env", "Model"], ["Env"]],
            "Metrics": [{"Name": "DriftConfirmed", "Unit": "Count"}]}]},
        "Env": "local", "Model": event["model"], "DriftConfirmed": event["values"]}))
"""


def alarm(name: str, **more: object) -> dict[str, Any]:
    """Write an alarm on DriftConfirmed of a model of the same name."""
    return {
        "AlarmName": name,
        "Namespace": "Tidegate",
        "MetricName": "DriftConfirmed",
        "Dimensions": [{"Name": "Env", "Value": "local"}, {"Name": "Model", "Value": name}],
        "Statistic": "Maximum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **more,
    }


def test_a_log_line_raises_an_alarm_that_reaches_a_queue_and_a_function(
    driver: Driver, name: str
) -> None:
    driver.client("cloudwatch").put_metric_alarm(**alarm(name))
    url, queue = driver.queue(name)
    listener = driver.function(
        f"{name}-l", "import json\ndef handler(e, c): print('EVENT', json.dumps(e))"
    )
    events = driver.client("events")
    pattern = {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [name], "state": {"value": ["ALARM"]}},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue}, {"Id": "f", "Arn": listener}])
    driver.function(name, METRIC)
    now = int(time.time() * 1000)
    driver.invoke(name, {"now": now, "model": name, "values": [0, 1]})
    [event] = eventually(lambda: driver.bodies(url))
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["previousState"]["value"] in ("OK", "INSUFFICIENT_DATA")
    metric = event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]
    assert metric["dimensions"] == {"Env": "local", "Model": name}
    assert event["resources"] == [f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}"]
    assert eventually(lambda: driver.messages(f"/aws/lambda/{name}-l", "EVENT"))
    # an hour of the metric is 4 s here: then nothing is missing that would breach
    eventually(lambda: state(driver, name) == "OK")


def test_missing_data_breaches_when_asked_to_and_other_models_do_not_count(
    driver: Driver, name: str
) -> None:
    cloudwatch = driver.client("cloudwatch")
    cloudwatch.put_metric_alarm(**alarm(name, TreatMissingData="breaching"))
    cloudwatch.put_metric_alarm(**alarm(f"{name}-other"))
    cloudwatch.put_metric_data(
        Namespace="Tidegate",
        MetricData=[
            {
                "MetricName": "DriftConfirmed",
                "Dimensions": [
                    {"Name": "Env", "Value": "local"},
                    {"Name": "Model", "Value": "somebody-else"},
                ],
                "Value": 1,
            }
        ],
    )
    assert eventually(lambda: state(driver, name) == "ALARM")
    assert eventually(lambda: state(driver, f"{name}-other") == "OK")


def state(driver: Driver, name: str) -> str:
    """Read the state of an alarm."""
    found = driver.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found[0]["StateValue"])


def test_a_schedule_fires_in_scaled_time_as_its_role(driver: Driver, name: str) -> None:
    target = driver.function(name, "def handler(event, context): print('FIRED', event['at'])")
    role = driver.role(
        f"{name}-s", "scheduler.amazonaws.com", allow("lambda:InvokeFunction", target)
    )
    driver.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(60 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": target,
            "RoleArn": role,
            "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
        },
    )
    fired = eventually(
        lambda: found if len(found := driver.messages(f"/aws/lambda/{name}", "FIRED")) > 1 else None
    )
    assert fired[0].startswith("FIRED 20")
    assert fired[0] != fired[1]


def test_a_schedule_whose_role_may_not_is_not_fired(driver: Driver, name: str) -> None:
    target = driver.function(name, "def handler(event, context): print('FIRED')")
    role = driver.role(f"{name}-s", "scheduler.amazonaws.com", allow("lambda:InvokeFunction", "x"))
    driver.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": role},
    )
    errors = {"Namespace": "AWS/Scheduler", "MetricName": "TargetErrorCount"}
    eventually(lambda: driver.client("cloudwatch").list_metrics(**errors)["Metrics"])
    assert driver.messages(f"/aws/lambda/{name}") == []


def test_a_failing_target_is_tried_again_and_then_sent_to_its_queue(
    driver: Driver, name: str
) -> None:
    target = driver.function(name, "def handler(event, context): raise ValueError('no')")
    url, queue = driver.queue(name)
    driver.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    events = driver.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": target}])
    events.put_events(Entries=[{"Source": name, "DetailType": "x", "Detail": "{}"}])
    assert eventually(lambda: driver.bodies(url))
    assert len(driver.messages(f"/aws/lambda/{name}", '"[ERROR] ValueError: no"')) == 2


def test_a_state_machine_asks_its_role_and_catches_by_class(driver: Driver, name: str) -> None:
    code = (
        "class GoldenRequestsFailed(Exception): pass\n"
        "def handler(event, context): raise GoldenRequestsFailed('3 of 5')\n"
    )
    target = driver.function(name, code)
    states = {
        "Try": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": target, "Payload": {}},
            "Catch": [{"ErrorEquals": ["GoldenRequestsFailed"], "Next": "Bake"}],
            "Next": "Bake",
        },
        "Bake": {"Type": "Wait", "Seconds": 60, "Next": "Done"},
        "Done": {
            "Type": "Succeed",
            "Output": {"redrive": "{% $states.context.Execution.RedriveCount %}"},
        },
    }
    role = driver.role(f"{name}-m", "states.amazonaws.com", allow("lambda:InvokeFunction", target))
    machine = driver.machine(name, role, states)
    done = driver.run(machine)
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"redrive": 0})
    driver.role(f"{name}-m", "states.amazonaws.com", allow("lambda:InvokeFunction", "other"))
    time.sleep(2.1)  # decisions about roles are kept for two seconds
    refused = driver.run(machine)
    assert refused["error"] == "Lambda.AWSLambdaException"
