"""Endpoint: a model's function, and the alias that only releases move.

CDK makes the function, one seed version and the alias `live` on it. Versions and weights after that
are the release controller's: the template text of version and alias never changes, so no deployment
moves traffic.
"""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.layer_set import LayerSet
from stacks.constructs.log_group import log_group
from stacks.constructs.permissions import grant_models
from stacks.constructs.python_function import (
    ARCHITECTURES,
    CALLED_FINDINGS,
    FINDINGS,
    ONE_THREAD,
    runtime,
)
from stacks.constructs.roles import service_role
from stacks.findings import acknowledge
from stacks.stage import StageSettings
from tidegate.project import Serving
from tidegate.settings import LIVE_ALIAS, Names, Settings

HANDLER = "tidegate.serving.endpoint.handle"
SEED = Path(__file__).parent / "seed"  # the code until the first release; never change it
WINDOWS = '{ $.kind = "window" }'


class Endpoint(Construct):
    """The serving function of one model behind its `live` alias."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        serving: Serving,
        settings: Settings,
        stage: StageSettings,
        layers: LayerSet,
    ) -> None:
        super().__init__(scope, id_)
        self.name = Names(stage.env).endpoint(settings.model)
        role = service_role(self, "Role", service="lambda", description=f"Runs {self.name}")
        self._logs = log_group(
            self, "Logs", name=Names(stage.env).log_group(self.name), stage=stage
        )
        self._logs.grant_write(role)
        grant_models(role, env=stage.env, model=settings.model)
        function = lambda_.Function(
            self,
            "Function",
            function_name=self.name,
            description=f"Tidegate: serves {settings.model}",
            code=lambda_.Code.from_asset(str(SEED)),
            handler=HANDLER,
            runtime=runtime(stage),
            architecture=ARCHITECTURES[stage.architecture],
            layers=layers.pick("core", "inference"),
            environment=settings.to_env() | ONE_THREAD,
            memory_size=serving.memory_mb,
            timeout=cdk.Duration.seconds(serving.timeout_seconds),
            role=role,
            log_group=self._logs,
        )
        acknowledge(function, FINDINGS | CALLED_FINDINGS)
        self.alias = self._seed_alias()
        if serving.snapstart:
            kind = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")
            self._cfn_function().snap_start = kind

    def send_windows_to(self, function_arn: str) -> None:
        """Hand every closed window, a log line, to the function that stores it."""
        logs.CfnSubscriptionFilter(
            self,
            "Windows",
            log_group_name=self._logs.log_group_name,
            filter_pattern=WINDOWS,
            destination_arn=function_arn,
        )

    def _seed_alias(self) -> lambda_.CfnAlias:
        """Make the fixed version and the alias; the function's content decides nothing of them."""
        function = self._cfn_function()
        version = lambda_.CfnVersion(self, "Seed", function_name=function.ref, description="seed")
        # Deleting a version that an alias holds fails; the function takes both along.
        version.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return lambda_.CfnAlias(
            self,
            "Live",
            name=LIVE_ALIAS,
            function_name=function.ref,
            function_version=version.attr_version,
            description="Moved by releases only",
        )

    def _cfn_function(self) -> lambda_.CfnFunction:
        function = self.node.find_child("Function").node.default_child
        assert isinstance(function, lambda_.CfnFunction)  # noqa: S101 - for mypy
        return function
