"""Requests: refuse a CreateTrainingJob request that SageMaker would refuse.

Source: Amazon SageMaker API reference, CreateTrainingJob.
"""

import re
from typing import Any

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_REQUIRED = (
    "TrainingJobName",
    "AlgorithmSpecification",
    "RoleArn",
    "OutputDataConfig.S3OutputPath",
    "ResourceConfig.InstanceType",
    "ResourceConfig.InstanceCount",
    "ResourceConfig.VolumeSizeInGB",
    "StoppingCondition",
    "AlgorithmSpecification.TrainingInputMode",
)
_DATA_TYPES = ("S3Prefix", "ManifestFile")


class ApiError(Exception):
    """An error the SageMaker API answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def validate(request: dict[str, Any]) -> None:
    """Raise `ApiError` for the first fault of a request."""
    for path in _REQUIRED:
        if _at(request, path) in (None, ""):
            raise invalid(f"Missing required parameter: {path}")
    if not _NAME.fullmatch(str(request["TrainingJobName"])):
        raise invalid(
            f"Value '{request['TrainingJobName']}' at 'trainingJobName' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {_NAME.pattern}"
        )
    algorithm = request["AlgorithmSpecification"]
    if bool(algorithm.get("TrainingImage")) == bool(algorithm.get("AlgorithmName")):
        raise invalid("Exactly one of TrainingImage and AlgorithmName must be given")
    if algorithm["TrainingInputMode"] != "File":
        raise invalid("the local cloud offers TrainingInputMode File only")
    if not algorithm.get("ContainerEntrypoint"):
        raise invalid(
            "the local cloud pulls no images: AlgorithmSpecification.ContainerEntrypoint must say "
            "what to run"
        )
    _validate_values(request)


def invalid(message: str) -> ApiError:
    """Build SageMaker's validation error."""
    return ApiError("ValidationException", message)


def _validate_values(request: dict[str, Any]) -> None:
    for group in ("HyperParameters", "Environment"):
        for key, value in (request.get(group) or {}).items():
            if not isinstance(value, str):
                raise invalid(f"{group} must map strings to strings, but {key} is not a string")
    _validate_channels(request.get("InputDataConfig") or [])
    if not str(request["OutputDataConfig"]["S3OutputPath"]).startswith("s3://"):
        raise invalid("OutputDataConfig.S3OutputPath must start with s3://")
    seconds = request["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
    if not isinstance(seconds, int) or seconds < 1:
        raise invalid("StoppingCondition.MaxRuntimeInSeconds must be a positive integer")


def _validate_channels(channels: list[dict[str, Any]]) -> None:
    names = [channel.get("ChannelName") for channel in channels]
    if len(set(names)) != len(names) or None in names:
        raise invalid(f"InputDataConfig needs distinct channel names, not {names}")
    for channel in channels:
        source = _at(channel, "DataSource.S3DataSource") or {}
        uri = str(source.get("S3Uri", ""))
        if source.get("S3DataType") not in _DATA_TYPES or not uri.startswith("s3://"):
            raise invalid(
                f"channel {channel['ChannelName']} needs an S3DataSource with S3Uri and an "
                f"S3DataType of {', '.join(_DATA_TYPES)}"
            )


def _at(document: dict[str, Any], path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
