"""PinnedLayer: the asset is named by the digest, and tests synthesize without bundling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from stacks.bundling import ROOT, Target, cached_layer
from stacks.constructs.layer import PinnedLayer, target_of
from stacks.stage import read_stage
from tests.layers.test_layer_builds import content

CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]


def synthesize(name: str, *, env: str, outdir: Path, bundle: bool) -> Template:
    context = {**CONTEXT} if bundle else {**CONTEXT, "aws:cdk:bundling-stacks": []}
    stack = Stack(App(context=context, outdir=str(outdir)), "layers")
    PinnedLayer(stack, name, name=name, stage=read_stage(CONTEXT["environments"], env))
    return Template.from_stack(stack)


@pytest.mark.parametrize(("env", "runtime"), [("dev", "python3.13"), ("prod", "python3.13")])
def test_layer_says_what_it_is_compatible_with(env: str, runtime: str, tmp_path: Path) -> None:
    template = synthesize("inference", env=env, outdir=tmp_path, bundle=False)
    stage = read_stage(CONTEXT["environments"], env)
    template.has_resource_properties(
        "AWS::Lambda::LayerVersion",
        {"CompatibleArchitectures": [stage.architecture], "CompatibleRuntimes": [runtime]},
    )


def test_bundled_asset_is_the_cached_layer(tmp_path: Path) -> None:
    synthesize("core", env="dev", outdir=tmp_path, bundle=True)
    stage = read_stage(CONTEXT["environments"], "dev")
    finished = cached_layer("core", target=Target(stage.architecture, stage.python))
    (asset,) = tmp_path.glob("asset.*")
    assert content(asset) == content(finished)


def test_same_layer_has_the_same_asset_in_every_environment_of_one_kind(tmp_path: Path) -> None:
    for env in ("dev", "prod"):
        synthesize("core", env=env, outdir=tmp_path / env, bundle=True)
    names = {path.name for path in tmp_path.glob("*/asset.*")}
    assert len(names) == 1


def test_synthesis_of_the_local_environment_follows_its_machine(here: Target) -> None:
    stage = read_stage(CONTEXT["environments"], "local")
    chosen = stage.on_host(architecture=here.architecture, python=here.python)
    assert target_of(chosen) == here
