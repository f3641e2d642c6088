"""Training jobs run for real, end for real, and obey roles."""

import io
import tarfile
from typing import Any

import pytest

from tests.local_cloud.driver import ACCOUNT, Driver, allow, eventually

pytestmark = pytest.mark.local
BUCKET = "training-tests"
LAUNCH = """
import json, os, sys, time
root = os.environ["TIDEGATE_ML_ROOT"]
print("seen", json.load(open(root + "/input/config/hyperparameters.json")), sys.argv[1:])
print("keys", sorted(key for key in os.environ if "SECRET" in key or "ACCESS_KEY" in key))
if "fail" in sys.argv:
    open(root + "/output/failure", "w").write("AlgorithmError: no rows" + "!" * 2000)
    sys.exit(3)
if "sleep" in sys.argv:
    time.sleep(60)
rows = open("/opt/ml/input/data/train/2013/01.csv".replace("/opt/ml", root)).read()
open(root + "/model/model.onnx", "w").write("fitted on " + rows + os.environ["FLAVOUR"])
"""


@pytest.fixture(scope="module")
def role(driver: Driver) -> str:
    s3 = driver.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code/launch.py", Body=LAUNCH.encode())
    s3.put_object(Bucket=BUCKET, Key="data/2013/01.csv", Body=b"1,2")
    rights = allow(["s3:GetObject", "s3:ListBucket", "s3:PutObject"], "*")
    return driver.role("training", "sagemaker.amazonaws.com", rights)


def request(name: str, role: str, *arguments: str, seconds: int = 60) -> dict[str, Any]:
    """Write a CreateTrainingJob request."""

    def channel(label: str, prefix: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}
        return {"ChannelName": label, "DataSource": {"S3DataSource": source}}

    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": "python:3.13",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/launch.py"],
            "ContainerArguments": list(arguments) or ["/opt/ml/model"],
        },
        "RoleArn": role,
        "InputDataConfig": [channel("code", "code/"), channel("train", "data")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 5,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        "HyperParameters": {"depth": "3"},
        "Environment": {"FLAVOUR": "!"},
        "Tags": [{"Key": "tidegate:model", "Value": "m"}],
    }


def ended(driver: Driver, name: str) -> dict[str, Any]:
    """Wait for a job to end and describe it."""
    sagemaker = driver.client("sagemaker")

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return eventually(look)


def test_a_job_trains_and_leaves_its_model_in_s3(driver: Driver, role: str, name: str) -> None:
    sagemaker = driver.client("sagemaker")
    arn = sagemaker.create_training_job(**request(name, role))["TrainingJobArn"]
    job = ended(driver, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] == 1
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/out/{name}/output/model.tar.gz"
    body = driver.client("s3").get_object(Bucket=BUCKET, Key=uri.split("/", 3)[3])["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        model = archive.extractfile("model.onnx")
        assert model is not None
        assert model.read() == b"fitted on 1,2!"
    lines = driver.messages("/aws/sagemaker/TrainingJobs")
    mine = [line for line in lines if line.endswith(f"/training/{name}/model']")]
    assert mine
    assert mine[0].startswith("seen {'depth': '3'} ")
    assert "keys []" in lines
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "tidegate:model", "Value": "m"}]


def test_a_name_can_be_used_once(driver: Driver, role: str, name: str) -> None:
    sagemaker = driver.client("sagemaker")
    sagemaker.create_training_job(**request(name, role))
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="must be unique"):
        sagemaker.create_training_job(**request(name, role))
    ended(driver, name)


def test_a_failing_job_tells_why(driver: Driver, role: str, name: str) -> None:
    driver.client("sagemaker").create_training_job(**request(name, role, "fail"))
    job = ended(driver, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: no rows!")
    assert len(job["FailureReason"]) == 1024


def test_a_job_is_stopped_at_its_limit_and_on_request(driver: Driver, role: str, name: str) -> None:
    sagemaker = driver.client("sagemaker")
    sagemaker.create_training_job(**request(f"{name}-limit", role, "sleep", seconds=1))
    sagemaker.create_training_job(**request(f"{name}-stop", role, "sleep"))
    sagemaker.stop_training_job(TrainingJobName=f"{name}-stop")
    limit, stopped = ended(driver, f"{name}-limit"), ended(driver, f"{name}-stop")
    assert (limit["TrainingJobStatus"], limit["SecondaryStatus"]) == (
        "Stopped",
        "MaxRuntimeExceeded",
    )
    assert (stopped["TrainingJobStatus"], stopped["SecondaryStatus"]) == ("Stopped", "Stopped")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RoleArn": None}, "RoleArn"),
        ({"TrainingJobName": "not_a_name"}, "regular expression"),
        ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "Could not assume role"),
        ({"HyperParameters": {}, "OutputDataConfig": {"S3OutputPath": "/tmp"}}, "s3://"),
    ],
    ids=["role missing", "bad name", "unknown role", "output not in s3"],
)
def test_a_faulty_request_is_refused(
    driver: Driver, role: str, name: str, change: dict[str, Any], message: str
) -> None:
    sagemaker = driver.client("sagemaker")
    faulty = {k: v for k, v in {**request(name, role), **change}.items() if v is not None}
    errors = (sagemaker.exceptions.ClientError, ValueError)  # botocore checks some itself
    with pytest.raises((*errors, Exception), match=message):
        sagemaker.create_training_job(**faulty)


def test_a_role_without_s3_rights_fails_the_job(driver: Driver, role: str, name: str) -> None:
    poor = driver.role(f"{name}-role", "sagemaker.amazonaws.com", allow("s3:ListBucket"))
    driver.client("sagemaker").create_training_job(**request(name, poor))
    job = ended(driver, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]


def task(role: str, *arguments: str) -> dict[str, Any]:
    """Write a state machine of one training task, named after its execution."""
    context = "$states.context"
    job = f"{{% {context}.Execution.Name & '-' & $string({context}.State.RetryCount) %}}"
    return {
        "Train": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Arguments": {**request("x", role, *arguments), "TrainingJobName": job},
            "End": True,
        }
    }


def machine_role(driver: Driver, name: str, training: str, service: str) -> str:
    """Make a state machine's role that may pass the training role to one service."""
    passed = {"StringEquals": {"iam:PassedToService": service}}
    return driver.role(
        name,
        "states.amazonaws.com",
        allow(["sagemaker:*", "events:*"]),
        allow("iam:PassRole", training, **passed),
    )


def test_a_state_machine_waits_for_the_job(driver: Driver, role: str, name: str) -> None:
    runner = machine_role(driver, name, role, "sagemaker.amazonaws.com")
    good = driver.run(driver.machine(name, runner, task(role)))
    assert good["status"] == "SUCCEEDED"
    assert '"TrainingJobStatus": "Completed"' in good["output"]
    bad = driver.run(driver.machine(f"{name}-bad", runner, task(role, "fail")))
    assert (bad["status"], bad["error"]) == ("FAILED", "States.TaskFailed")
    assert "AlgorithmError: no rows" in bad["cause"]


def test_a_state_machine_must_be_allowed_to_pass_the_role(
    driver: Driver, role: str, name: str
) -> None:
    runner = machine_role(driver, name, role, "lambda.amazonaws.com")
    refused = driver.run(driver.machine(name, runner, task(role)))
    assert refused["error"] == "SageMaker.AmazonSageMakerException"
    assert "iam:PassRole" in refused["cause"]


def test_stopping_an_execution_stops_its_job(driver: Driver, role: str, name: str) -> None:
    states = driver.client("stepfunctions")
    runner = machine_role(driver, name, role, "sagemaker.amazonaws.com")
    machine = driver.machine(name, runner, task(role, "sleep"))
    execution = states.start_execution(stateMachineArn=machine, name=name)["executionArn"]
    sagemaker = driver.client("sagemaker")

    def training() -> bool:
        jobs = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
        return bool(jobs)

    eventually(training)
    states.stop_execution(executionArn=execution)
    assert ended(driver, f"{name}-0")["TrainingJobStatus"] == "Stopped"
