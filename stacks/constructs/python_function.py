"""PythonFunction: one folder of `functions/` as a Lambda with its own role and log group."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.layer_set import LayerSet
from stacks.constructs.log_group import log_group
from stacks.constructs.roles import service_role
from stacks.findings import acknowledge
from stacks.sources import Sources
from stacks.stage import StageSettings
from tidegate.settings import NAMESPACE, Names, Settings

NOT_SHIPPED = ["__pycache__", "**/__pycache__", "*.pyc", "**/*.pyc"]
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
FINDINGS = {
    "NIST.800.53.R5-LambdaInsideVPC": "It calls AWS services only, by IAM; a VPC adds a NAT bill.",
    "NIST.800.53.R5-LambdaConcurrency": "The API throttles; a reservation takes from others.",
    "Serverless-LambdaTracing": "A trace costs 90-300 ms of every cold start; logs carry ids.",
}
_PINNED = "The layers are built for, and the local cloud runs, the version in cdk.json."
FINDINGS |= {"AwsSolutions-L1": _PINNED, "Serverless-LambdaLatestVersion": _PINNED}
_DESTINATION = "Its on-failure destination takes the event with the error; a DLQ drops the error."
ASYNC_FINDINGS = {
    "NIST.800.53.R5-LambdaDLQ": _DESTINATION,
    "Serverless-LambdaDLQ": _DESTINATION,
}
_CALLER_WAITS = "Invoked synchronously: the caller sees the failure and retries."
CALLED_FINDINGS = {
    "NIST.800.53.R5-LambdaDLQ": _CALLER_WAITS,
    "Serverless-LambdaDLQ": _CALLER_WAITS,
}


@dataclass(frozen=True)
class Shape:
    """What one function needs to run, and whether someone waits for its answer."""

    layers: tuple[str, ...] = ("core", "sdk")
    memory_mb: int = 512
    timeout_seconds: int = 60
    disk_mb: int = 512
    waited_for: bool = True


@dataclass(frozen=True)
class Host:
    """What the functions of one stack share."""

    stage: StageSettings
    settings: Settings
    sources: Sources
    layers: LayerSet
    undelivered: sqs.IQueue  # takes events that an asynchronous function failed on


class PythonFunction(Construct):
    """A control-plane function: settings in, its own role, its own log group."""

    def __init__(self, scope: Construct, id_: str, *, verb: str, shape: Shape, host: Host) -> None:
        super().__init__(scope, id_)
        self.name = Names(host.stage.env).function(verb)
        self.role = service_role(self, "Role", service="lambda", description=f"Runs {self.name}")
        self.logs = log_group(
            self, "Logs", name=Names(host.stage.env).log_group(self.name), stage=host.stage
        )
        self.logs.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=self.name,
            description=f"Tidegate: {verb}",
            code=lambda_.Code.from_asset(str(host.sources.function(verb)), exclude=NOT_SHIPPED),
            handler="handler.handle",
            runtime=runtime(host.stage),
            architecture=ARCHITECTURES[host.stage.architecture],
            layers=host.layers.pick(*shape.layers),
            environment=_environment(host.settings),
            memory_size=shape.memory_mb,
            timeout=cdk.Duration.seconds(shape.timeout_seconds),
            ephemeral_storage_size=cdk.Size.mebibytes(shape.disk_mb),
            role=self.role,
            log_group=self.logs,
        )
        acknowledge(self.function, FINDINGS)
        acknowledge(self.function, CALLED_FINDINGS if shape.waited_for else ASYNC_FINDINGS)
        if not shape.waited_for:
            self._keep_failures(host.undelivered)

    def _keep_failures(self, queue: sqs.IQueue) -> None:
        """Send an event that failed three times to the queue; an alarm watches the queue."""
        self.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(queue),
            retry_attempts=2,
            max_event_age=cdk.Duration.hours(2),
        )


def runtime(stage: StageSettings) -> lambda_.Runtime:
    """Return the Lambda runtime of a stage."""
    return lambda_.Runtime(f"python{stage.python}")


def _environment(settings: Settings) -> dict[str, str]:
    return settings.to_env() | ONE_THREAD | {"POWERTOOLS_METRICS_NAMESPACE": NAMESPACE}
