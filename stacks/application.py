"""Application: cdk.json -> a CDK stage per environment -> its stacks."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks import findings
from stacks.control import ControlStack
from stacks.model import ModelStack
from stacks.observability import ObservabilityStack
from stacks.platform import PlatformStack
from stacks.sources import Sources
from stacks.stage import StageSettings, read_stage
from tidegate.settings import ENVIRONMENTS, Names


class EnvironmentStage(cdk.Stage):
    """All stacks of one environment."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: StageSettings, sources: Sources
    ) -> None:
        super().__init__(scope, id_, env=_target(settings))
        projects = sources.models()
        self.platform = PlatformStack(self, "platform", stage=settings)
        self.control = ControlStack(
            self, "control", stage=settings, platform=self.platform, sources=sources
        )
        self.models = [
            ModelStack(
                self,
                stage=settings,
                project=project,
                platform=self.platform,
                control=self.control,
            )
            for project in projects
        ]
        self.observability = ObservabilityStack(
            self,
            "observability",
            stage=settings,
            platform=self.platform,
            control=self.control,
            models=[project.name for project in projects],
        )


def build(app: cdk.App, sources: Sources) -> tuple[EnvironmentStage, ...]:
    """Put the environment that context `env` names, or all, into the application; judge them."""
    only = app.node.try_get_context("env")
    stages = tuple(
        EnvironmentStage(app, Names(env).prefix, settings=_settings(app, env), sources=sources)
        for env in (ENVIRONMENTS if only is None else [str(only)])
    )
    findings.check(app)
    return stages


def _settings(app: cdk.App, env: str) -> StageSettings:
    context = app.node.try_get_context
    stage = read_stage(context("environments"), env)
    return stage.on_host(architecture=context("local_architecture"), python=context("local_python"))


def _target(settings: StageSettings) -> cdk.Environment:
    """Return account and region; what is empty follows the credentials."""
    return cdk.Environment(account=settings.account or None, region=settings.region or None)
