"""The request of SageMaker's CreateTrainingJob, whole: the state machine only sends it."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import Any

from tidegate.errors import SettingsError
from tidegate.package import keys
from tidegate.project import Project
from tidegate.settings import (
    TAG_COMPONENT,
    TAG_COST_CENTER,
    TAG_ENV,
    TAG_MODEL,
    TAG_OWNER,
    Settings,
    arn,
)
from tidegate.training.determinism import VARIABLES
from tidegate.training.request import TrainingRequest

NAME_LENGTH = 58  # of SageMaker's 63: the machine appends a suffix per attempt
VOLUME_GB = 30
SPOT_WAIT = 2  # a spot job may take so many times its running time, waiting included
INPUTS = "/opt/ml/input/data"


def job_name(env: str, run: str) -> str:
    """Return a training job's name, unique per account and region, so it names the environment.

    >>> job_name("dev", "flight-delay-20261122T220000-ab12")
    'tidegate-dev-flight-delay-20261122T220000-ab12'
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"tidegate-{env}-{run}").strip("-")
    if len(name) <= NAME_LENGTH:
        return name
    digest = hashlib.sha256(f"{env}/{run}".encode()).hexdigest()[:8]
    return f"{name[: NAME_LENGTH - 9].rstrip('-')}-{digest}"


def job_request(
    request: TrainingRequest, project: Project, *, settings: Settings
) -> dict[str, Any]:
    """Return the CreateTrainingJob request of a training."""
    if not settings.training_image or not settings.framework_uri:
        raise SettingsError("training needs TIDEGATE_TRAINING_IMAGE and TIDEGATE_FRAMEWORK_URI")
    framework = PurePosixPath(settings.framework_uri).name
    training, role = project.training, f"role/{settings.names.training_role}"
    seconds = training.max_minutes * 60
    stop = {"MaxRuntimeInSeconds": seconds}
    if training.spot:
        stop["MaxWaitTimeInSeconds"] = seconds * SPOT_WAIT
    return {
        "TrainingJobName": job_name(settings.env, request.run),
        "RoleArn": arn("iam", "", settings.account, role),
        "AlgorithmSpecification": {
            "TrainingImage": settings.training_image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", f"{INPUTS}/framework/{framework}"],
        },
        "Environment": dict(VARIABLES),
        "InputDataConfig": _channels(request, settings),
        "OutputDataConfig": {"S3OutputPath": output_uri(request.model, request.run, settings)},
        "ResourceConfig": {
            "InstanceType": training.instance,
            "InstanceCount": 1,
            "VolumeSizeInGB": VOLUME_GB,
        },
        "StoppingCondition": stop,
        "EnableManagedSpotTraining": training.spot,
        "EnableNetworkIsolation": False,  # the environment comes from the package index
        "EnableInterContainerTrafficEncryption": True,
        "Tags": _tags(project, settings),
    }


def output_uri(model: str, run: str, settings: Settings) -> str:
    """Return where SageMaker puts `<job>/output/model.tar.gz`."""
    prefix = keys.run_output_prefix(model, run).rstrip("/")
    return f"s3://{settings.artifacts_bucket}/{prefix}"


def _channels(request: TrainingRequest, settings: Settings) -> list[dict[str, Any]]:
    def uri(key: str) -> str:
        return f"s3://{settings.artifacts_bucket}/{key}"

    model, run = request.model, request.run
    # Each prefix ends in a whole name, so no neighbour's objects come along.
    return [
        _channel("framework", "S3Prefix", settings.framework_uri),
        _channel("code", "S3Prefix", uri(keys.code_prefix(model, request.code_digest))),
        _channel("request", "S3Prefix", uri(f"{keys.run_prefix(model, run)}request/")),
        _channel("data", "ManifestFile", uri(keys.run_data_manifest(model, run))),
    ]


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def _tags(project: Project, settings: Settings) -> list[dict[str, str]]:
    # Stack tags never reach a job: they go with the call.
    values = {
        TAG_ENV: settings.env,
        TAG_MODEL: project.name,
        TAG_OWNER: project.owner,
        TAG_COST_CENTER: project.cost_center,
        TAG_COMPONENT: "training",
    }
    return [{"Key": key, "Value": value} for key, value in values.items()]
