"""All environments, synthesized once per test session, without bundling, Docker or credentials."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.application import EnvironmentStage, build
from stacks.sources import Sources
from tests.fakes.model_folder import write_model_folder
from tidegate.settings import ENVIRONMENTS

ROOT = Path(__file__).resolve().parents[2]
MODEL = "ferry-delay"
Resource = dict[str, Any]


def cdk_context(**extra: Any) -> dict[str, Any]:
    """Return the context of cdk.json, which a test's App does not read by itself."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**context, "aws:cdk:bundling-stacks": [], **extra}


def environments() -> dict[str, Any]:
    """Return a copy of the environments of cdk.json, to be spoiled by a test."""
    return dict(json.loads((ROOT / "cdk.json").read_text())["context"]["environments"])


@dataclass(frozen=True)
class Synthesized:
    """The application and what it became: environment -> stack -> logical id -> resource."""

    app: cdk.App
    stages: tuple[EnvironmentStage, ...]
    templates: dict[str, dict[str, dict[str, Any]]]

    def resources(self, env: str, stack: str, kind: str = "") -> dict[str, Resource]:
        """Return the resources of one stack, of one type if `kind` is given."""
        found: dict[str, Resource] = self.templates[env][stack]["Resources"]
        return {key: r for key, r in found.items() if not kind or r["Type"] == kind}

    def all(self, kind: str = "", *, env: str = "") -> list[tuple[str, Resource]]:
        """Return (environment/stack/logical id, resource) of every stack."""
        return [
            (f"{name}/{stack}/{key}", resource)
            for name in ([env] if env else self.templates)
            for stack in self.templates[name]
            for key, resource in self.resources(name, stack, kind).items()
        ]

    def one(self, env: str, stack: str, kind: str) -> Resource:
        """Return the properties of the only resource of a type in a stack."""
        (found,) = self.resources(env, stack, kind).values()
        properties: Resource = found["Properties"]
        return properties


def synthesize(models: Path, **context: Any) -> Synthesized:
    """Build and synthesize the application over a folder of models."""
    app = cdk.App(context=cdk_context(**context))
    stages = build(app, Sources(ROOT, models))
    assembly = app.synth()
    templates: dict[str, dict[str, Any]] = {}
    for stage in stages:
        env = stage.node.id.removeprefix("tidegate-")
        stacks = assembly.get_nested_assembly(stage.artifact_id).stacks
        prefix = f"{stage.node.id}-"
        templates[env] = {s.stack_name.removeprefix(prefix): s.template for s in stacks}
    return Synthesized(app, stages, templates)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_model_folder(folder)
    return folder


@pytest.fixture(scope="session")
def cloud(models: Path) -> Synthesized:
    return synthesize(models)


@pytest.fixture(params=ENVIRONMENTS)
def env(request: pytest.FixtureRequest) -> str:
    return str(request.param)
