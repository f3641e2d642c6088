"""Service: the SageMaker API and the `createTrainingJob` integration of Step Functions."""

import json
from collections.abc import Callable
from typing import Any

from .. import roles, seams, states
from ..settings import Settings
from .jobs import Job, Jobs
from .requests import ApiError, invalid

INTEGRATION = "arn:aws:states:::sagemaker:createTrainingJob"
_SYNC_RULE = "StepFunctionsGetEventsForSageMakerTrainingJobsRule"
_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)
_MOMENTS = ("CreationTime", "LastModifiedTime", "TrainingStartTime", "TrainingEndTime")


class Service:
    """Answer the API calls the framework makes."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._tags: dict[str, dict[str, str]] = {
            job.record["TrainingJobArn"]: _as_map(job.record.get("Tags")) for job in jobs.all()
        }
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": lambda request: describe(self._named(request)),
            "StopTrainingJob": self._stop,
            "ListTrainingJobs": self._list,
            "AddTags": self._add_tags,
            "ListTags": self._list_tags,
        }

    async def handle(
        self, _method: str, path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer one HTTP request of the JSON protocol."""
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            if action not in self._actions:
                raise invalid(f"{action or path} is not emulated by the local cloud")
            status, answer = 200, self._actions[action](json.loads(body or b"{}"))
        except ApiError as error:
            status, answer = 400, {"__type": error.code, "message": error.message}
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job and answer with its ARN."""
        return {"TrainingJobArn": self.start(request).record["TrainingJobArn"]}

    def start(self, request: dict[str, Any]) -> Job:
        """Start a job."""
        _check_trust(str(request.get("RoleArn") or ""))
        arn = job_arn(str(request.get("TrainingJobName")))
        job = self._jobs.create(request, arn)
        self._tags[arn] = _as_map(request.get("Tags"))
        return job

    def _named(self, request: dict[str, Any]) -> Job:
        return self._jobs.get(str(request.get("TrainingJobName")))

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        self._named(request).stop()
        return {}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        records = [job.record for job in self._jobs.all()]
        wanted, part = request.get("StatusEquals"), request.get("NameContains", "")
        chosen = [
            {key: record[key] for key in _SUMMARY if key in record}
            for record in records
            if part in record["TrainingJobName"] and wanted in (None, record["TrainingJobStatus"])
        ]
        start, size = int(request.get("NextToken") or 0), int(request.get("MaxResults") or 10)
        page = {"TrainingJobSummaries": chosen[start : start + size]}
        more = {"NextToken": str(start + size)} if start + size < len(chosen) else {}
        return {**page, **more}

    def _add_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._tags.setdefault(str(request.get("ResourceArn")), {})
        tags.update(_as_map(request.get("Tags")))
        return {"Tags": _as_list(tags)}

    def _list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": _as_list(self._tags.get(str(request.get("ResourceArn")), {}))}


def describe(job: Job) -> dict[str, Any]:
    """Give what DescribeTrainingJob answers."""
    return {key: value for key, value in job.record.items() if key != "Tags"}


def install(settings: Settings) -> None:
    """Put the service behind the emulator's port and its integration into Step Functions."""
    service = Service(Jobs(settings))
    seams.load("ministack.app").SERVICE_HANDLERS["sagemaker"] = service.handle
    dispatch = seams.load("ministack.services.stepfunctions")._SERVICE_DISPATCH
    dispatch[INTEGRATION] = lambda resource, arguments: run_task(service, resource, arguments)


def run_task(service: Service, resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run one task: start the job and, for `.sync`, wait for it and answer with its description."""
    error = seams.load("ministack.services.stepfunctions")._ExecutionError
    sync = resource.endswith(".sync")
    for action, target, context in needed(arguments, sync=sync):
        role = states.current_role()
        if role and not roles.allowed(role, action, target, context):
            message = roles.denial(role, action, target)
            raise error("SageMaker.AmazonSageMakerException", message)
    try:
        job = service.start(arguments)
    except ApiError as refused:
        kind = "ResourceInUseException" if refused.code == "ResourceInUse" else None
        name = f"SageMaker.{kind or 'AmazonSageMakerException'}"
        raise error(name, refused.message) from refused
    if not sync:
        return {"TrainingJobArn": job.record["TrainingJobArn"]}
    while not job.ended.wait(0.2):
        if not states.still_running() and job.record["TrainingJobStatus"] == "InProgress":
            job.stop()  # the execution was stopped: AWS stops the job it waits for
    description = _in_milliseconds(describe(job))
    if job.record["TrainingJobStatus"] != "Completed":
        raise error("States.TaskFailed", json.dumps(description))
    return description


def needed(
    arguments: dict[str, Any], *, sync: bool
) -> list[tuple[str, str, dict[str, str] | None]]:
    """List what the state machine's role needs for the task: action, resource and context."""
    arn = job_arn(str(arguments.get("TrainingJobName")))
    passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    checks: list[tuple[str, str, dict[str, str] | None]] = [
        ("sagemaker:CreateTrainingJob", arn, None),
        ("iam:PassRole", str(arguments.get("RoleArn")), passed),
    ]
    if arguments.get("Tags"):
        checks.append(("sagemaker:AddTags", arn, None))
    if sync:
        region, account = arn.split(":")[3:5]
        rule = f"arn:aws:events:{region}:{account}:rule/{_SYNC_RULE}"
        checks += [("sagemaker:DescribeTrainingJob", arn, None)]
        checks += [("sagemaker:StopTrainingJob", arn, None)]
        checks += [(f"events:{a}", rule, None) for a in ("PutTargets", "PutRule", "DescribeRule")]
    return checks


def job_arn(name: str) -> str:
    """Name a job in the account and region of the running request."""
    responses = seams.load("ministack.core.responses")
    scope = f"{responses.get_region()}:{responses.get_account_id()}"
    return f"arn:aws:sagemaker:{scope}:training-job/{name}"


def _check_trust(role_arn: str) -> None:
    """Refuse a role that does not exist or that SageMaker may not assume."""
    stored = seams.load("ministack.services.iam")._roles.get(role_arn.rsplit("/", 1)[-1])
    if not role_arn.startswith("arn:"):
        return  # validation says so
    if stored is None or "sagemaker.amazonaws.com" not in json.dumps(
        stored.get("AssumeRolePolicyDocument")
    ):
        raise invalid(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            "principal 'sagemaker.amazonaws.com' to assume the role."
        )


def _in_milliseconds(description: dict[str, Any]) -> dict[str, Any]:
    """Give moments as Step Functions gives them: milliseconds since the epoch."""
    moments = {k: int(description[k] * 1000) for k in _MOMENTS if k in description}
    return {**description, **moments}


def _as_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
