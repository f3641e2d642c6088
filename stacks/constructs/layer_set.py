"""LayerSet: the layers that one stack's functions choose from, each made at first use."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.layer import PinnedLayer
from stacks.stage import StageSettings


class LayerSet(Construct):
    """Layers by name; versions are retained, for published functions are built on them."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        self._stage = stage
        self._made: dict[str, lambda_.ILayerVersion] = {}

    def pick(self, *names: str) -> list[lambda_.ILayerVersion]:
        """Return the layers of these names."""
        return [self._made.get(name) or self._make(name) for name in names]

    def _make(self, name: str) -> lambda_.ILayerVersion:
        layer = PinnedLayer(self, name.capitalize(), name=name, stage=self._stage)
        layer.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self._made[name] = layer
        return layer
