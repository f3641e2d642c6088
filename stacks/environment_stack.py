"""EnvironmentStack: what every stack of an environment has in common: names, tags, protection."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.stage import StageSettings
from tidegate.settings import (
    TAG_COMPONENT,
    TAG_COST_CENTER,
    TAG_ENV,
    TAG_MODEL,
    TAG_OWNER,
    Names,
    Settings,
)

SHARED = "shared"  # tag value of what belongs to no single model


class EnvironmentStack(cdk.Stack):
    """A stack of one environment; `component` is its cost tag."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: StageSettings, component: str, description: str
    ) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Tidegate {stage.env}: {description}",
            termination_protection=stage.protect,
            synthesizer=_synthesizer(stage),
        )
        self.stage = stage
        self.names = Names(stage.env)
        self.component = component
        self.tag_costs(model=SHARED, owner=stage.owner, cost_center=stage.cost_center)

    def tag_costs(self, *, model: str, owner: str, cost_center: str) -> None:
        """Put the cost tags on every taggable resource; the last call wins."""
        tags = {TAG_ENV: self.stage.env, TAG_MODEL: model, TAG_OWNER: owner}
        tags |= {TAG_COST_CENTER: cost_center, TAG_COMPONENT: self.component}
        for key, value in {**self.stage.tags, **tags}.items():
            cdk.Tags.of(self).add(key, value)

    def settings(self) -> Settings:
        """Return what every function of this stack reads from its environment."""
        return Settings(
            env=self.stage.env,
            account=self.account,
            region=self.region,
            component=self.component,
            time_scale=f"{self.stage.time_scale:.12g}",
        )


def _synthesizer(stage: StageSettings) -> cdk.StackSynthesizer:
    """Deploy with the bootstrap roles; the local cloud has none, and takes the caller's rights."""
    if stage.is_local:
        return cdk.CliCredentialsStackSynthesizer()
    return cdk.DefaultStackSynthesizer()
