"""A Distributed Map as AWS runs it: items from S3, a bound on failures, results written to S3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloud.driver import ACCOUNT, Driver, allow

pytestmark = pytest.mark.local

CODE = """\
def handler(event, context):
    if event["n"] == 2:
        raise ValueError("two")
    return {"twice": 2 * event["n"]}
"""
ITEMS = [{"n": 1}, {"n": 2}, {"n": 3}]


def machine(driver: Driver, name: str, *statements: dict[str, Any]) -> str:
    """Make a machine that maps a function over `items.json` of a bucket, both of its name."""
    function = driver.function(name, CODE)
    states = {
        "Each": {
            "Type": "Map",
            "Label": "Each",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Arguments": {"Bucket": name, "Key": "{% $states.input.items %}"},
            },
            "MaxConcurrency": "{% $states.context.Execution.Input.concurrency %}",
            "ToleratedFailurePercentage": "{% $states.input.tolerated %}",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Call",
                "States": {
                    "Call": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Arguments": {"FunctionName": function, "Payload": "{% $states.input %}"},
                        "Output": "{% $states.result.Payload %}",
                        "End": True,
                    }
                },
            },
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Arguments": {"Bucket": name, "Prefix": "results"},
            },
            "Output": "{% $merge([$states.input, {'written': $states.result}]) %}",
            "End": True,
        }
    }
    role = driver.role(f"{name}-machine", "states.amazonaws.com", *statements)
    return driver.machine(name, role, states)


def granted(name: str, *but: str) -> list[dict[str, Any]]:
    rights = {
        "lambda:InvokeFunction": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}",
        "states:StartExecution": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}",
        "s3:GetObject": f"arn:aws:s3:::{name}/items.json",
        "s3:PutObject": f"arn:aws:s3:::{name}/results/*",
    }
    return [allow(action, on) for action, on in rights.items() if action not in but]


def run(driver: Driver, name: str, tolerated: float, *but: str) -> dict[str, Any]:
    s3 = driver.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="items.json", Body=json.dumps(ITEMS).encode())
    made = machine(driver, name, *granted(name, *but))
    return driver.run(made, {"items": "items.json", "tolerated": tolerated, "concurrency": 2})


def read(driver: Driver, bucket: str, key: str) -> Any:
    return json.loads(driver.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def test_a_map_within_its_bound_goes_on_and_writes_what_came_of_each(
    driver: Driver, name: str
) -> None:
    done = run(driver, name, 34.0)
    output = json.loads(done["output"])
    details = output["written"]["ResultWriterDetails"]
    manifest = read(driver, details["Bucket"], details["Key"])
    files = {
        status: [entry for file in listed for entry in read(driver, name, file["Key"])]
        for status, listed in manifest["ResultFiles"].items()
    }

    assert (done["status"], output["tolerated"]) == ("SUCCEEDED", 34.0)
    assert sorted(json.loads(e["Output"])["twice"] for e in files["SUCCEEDED"]) == [2, 6]
    assert [json.loads(e["Input"]) for e in files["FAILED"]] == [{"n": 2}]
    assert [e["Error"] for e in files["FAILED"]] == ["ValueError"]
    states = driver.client("stepfunctions")
    (listed,) = states.list_map_runs(executionArn=done["executionArn"])["mapRuns"]
    counts = states.describe_map_run(mapRunArn=listed["mapRunArn"])["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["total"]) == (2, 1, 3)


def test_a_map_beyond_its_bound_fails_and_its_results_are_written_all_the_same(
    driver: Driver, name: str
) -> None:
    done = run(driver, name, 33.0)
    listed = driver.client("s3").list_objects_v2(Bucket=name, Prefix="results/")["Contents"]

    assert done["error"] == "States.ExceedToleratedFailureThreshold"
    assert {entry["Key"].rpartition("/")[2] for entry in listed} == {
        "manifest.json",
        "SUCCEEDED_0.json",
        "FAILED_0.json",
    }


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        ("s3:GetObject", "States.ItemReaderFailed"),
        ("s3:PutObject", "States.ResultWriterFailed"),
        ("states:StartExecution", "States.Runtime"),
        ("lambda:InvokeFunction", "States.ExceedToleratedFailureThreshold"),
    ],
)
def test_a_map_does_what_its_role_may_and_nothing_else(
    driver: Driver, name: str, missing: str, error: str
) -> None:
    done = run(driver, name, 40.0, missing)

    assert done["error"] == error
