"""An interrupted cloud tells the truth about what it was doing, and the sweep acts on it."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import made
from tests.local_cloud.driver import ACCOUNT, Driver, allow, eventually
from tidegate.aws.package_stock import PackageStock
from tidegate.aws.state_machines import StateMachines
from tidegate.aws.workflow_executions import WorkflowExecutions
from tidegate.clock import utc_now
from tidegate.governance.workflows import TrainingOrder
from tidegate.registry.values import Run
from tidegate.settings import Settings
from tidegate.training.sweeping import LEAST_RUN_GRACE, Ground, end_dead_runs
from tidegate_cli.local import cloud, server

pytestmark = pytest.mark.local
SETTINGS = Settings("local", ACCOUNT, "us-east-1")
RUN = "iris-1"
STATES = {"Train": {"Type": "Wait", "Seconds": 300, "End": True}}
BUCKET = "packages-of-interruptions"


@pytest.fixture
def root(installation: None, tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    cloud.down(tmp_path)


def start(root: Path) -> Driver:
    return Driver(cloud.up(root, port=server.free_port(0), progress=lambda _: None))


def begin_training(driver: Driver) -> None:
    role = driver.role("train-role", "states.amazonaws.com", allow("logs:*"))
    driver.machine(SETTINGS.names.train_machine, role, STATES)
    machines = StateMachines(driver.client("stepfunctions"), settings=SETTINGS)
    machines.start_training(TrainingOrder("iris", RUN, "ann", "new data"))


def swept(driver: Driver) -> Run:
    """Sweep a registry that recorded the run, against the executions of this cloud."""
    registry, _ = made.registry()
    began = utc_now()
    registry.start_run(replace(made.run(RUN), started=began), at=began)
    executions = WorkflowExecutions(driver.client("stepfunctions"), settings=SETTINGS)
    stock = PackageStock(driver.client("s3"), bucket=BUCKET)
    ground = Ground(registry, executions, stock, time_scale=1 / 240)
    end_dead_runs("iris", ground, began + LEAST_RUN_GRACE)
    return registry.run("iris", RUN)


def test_a_training_that_the_cloud_was_stopped_in_was_aborted_and_is_swept(root: Path) -> None:
    driver = start(root)
    begin_training(driver)
    assert swept(driver).state == "running"
    cloud.down(root)

    run = swept(start(root))

    assert run.state == "failed"
    assert run.error == (
        "its workflow has ABORTED: LocalCloud.Stopped:"
        " the local cloud was stopped while this execution ran"
    )


def test_a_training_of_a_cloud_that_was_killed_is_swept_too(root: Path) -> None:
    driver = start(root)
    begin_training(driver)
    os.kill(driver.endpoint.pid, signal.SIGKILL)
    eventually(lambda: not server.healthy(driver.endpoint.port))
    cloud.down(root)

    run = swept(start(root))

    assert run.state == "failed"
    assert run.error.startswith("its workflow ")


def test_the_emulators_bucket_removes_exactly_the_named_version(driver: Driver) -> None:
    client = driver.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    stock = PackageStock(client, bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="packages/iris/a.zip", Body=b"one")
    (old,) = stock.versions("packages/iris/")
    client.put_object(Bucket=BUCKET, Key="packages/iris/a.zip", Body=b"one")

    stock.remove(old)

    (left,) = stock.versions("packages/iris/")
    assert left.version_id != old.version_id
    assert client.get_object(Bucket=BUCKET, Key="packages/iris/a.zip")["Body"].read() == b"one"


CALLS = """
import boto3

def handler(event, context):
    bucket, key = event["bucket"], "packages/iris/a.zip"
    s3, found = boto3.client("s3"), {}
    calls = {
        "list": lambda: s3.list_object_versions(Bucket=bucket, Prefix="packages/iris/"),
        "list others": lambda: s3.list_object_versions(Bucket=bucket, Prefix="data/"),
        "remove": lambda: s3.delete_object(Bucket=bucket, Key=key, VersionId=event["version"]),
        "hide": lambda: s3.delete_object(Bucket=bucket, Key=key),
        "look": lambda: boto3.client("stepfunctions").describe_execution(executionArn=event["arn"]),
        "read": lambda: boto3.client("ssm").get_parameter(Name=event["parameter"]),
        "turn": lambda: boto3.client("ssm").put_parameter(
            Name=event["parameter"], Value="x", Type="String", Overwrite=True
        ),
    }
    for name, call in calls.items():
        try:
            call()
            found[name] = "done"
        except Exception as error:
            found[name] = getattr(error, "response", {}).get("Error", {}).get("Code", repr(error))
    return found
"""


def test_the_grants_of_sweep_and_governor_suffice_and_open_nothing_beside(
    driver: Driver, name: str
) -> None:
    client, bucket = driver.client("s3"), f"{name}-bucket"
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = client.put_object(Bucket=bucket, Key="packages/iris/a.zip", Body=b"one")
    parameter = f"/tidegate/{name}/automation"
    driver.client("ssm").put_parameter(Name=parameter, Value="on", Type="String")
    role = driver.role(f"{name}-machine", "states.amazonaws.com", allow("logs:*"))
    machine = driver.machine(name, role, STATES)
    execution = driver.client("stepfunctions").start_execution(stateMachineArn=machine, name=RUN)
    of_machine = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{name}:*"
    driver.function(
        f"{name}-sweep",
        CALLS,
        allow(
            "s3:ListBucketVersions",
            f"arn:aws:s3:::{bucket}",
            StringLike={"s3:prefix": ["packages/*"]},
        ),
        allow("s3:DeleteObjectVersion", f"arn:aws:s3:::{bucket}/packages/*"),
        allow("states:DescribeExecution", of_machine),
        allow("ssm:GetParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{parameter}"),
        Timeout=60,
    )

    found = driver.invoke(
        f"{name}-sweep",
        {
            "bucket": bucket,
            "version": put["VersionId"],
            "arn": execution["executionArn"],
            "parameter": parameter,
        },
    )["Payload"]

    done = {call for call, told in found.items() if told == "done"}
    assert done == {"list", "remove", "look", "read"}, found
    assert {found[call] for call in found if call not in done} <= {
        "AccessDenied",
        "AccessDeniedException",
    }
    driver.client("stepfunctions").stop_execution(executionArn=execution["executionArn"])
