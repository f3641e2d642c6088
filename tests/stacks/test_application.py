"""The application: which environments it has, what it refuses, and that synthesis is pure."""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import aws_cdk as cdk
import pytest

from stacks.application import build
from stacks.sources import Sources
from tests.stacks.conftest import MODEL, ROOT, Synthesized, cdk_context, synthesize
from tidegate.errors import ProjectError
from tidegate.settings import ENVIRONMENTS, Settings

STACKS = {"platform", "control", "observability", f"model-{MODEL}"}
IMPURE = {"boto3", "botocore", "datetime", "git", "os", "random", "requests", "socket"}
IMPURE |= {"subprocess", "time", "uuid"}
BUNDLING = {"bundling.py", "layer.py"}  # run uv; a digest of lock and target decides what is built
PURE = sorted(f for f in (ROOT / "stacks").rglob("*.py") if f.name not in BUNDLING)


def test_every_environment_has_the_same_stacks(cloud: Synthesized) -> None:
    assert {env: set(stacks) for env, stacks in cloud.templates.items()} == dict.fromkeys(
        ENVIRONMENTS, STACKS
    )


def test_context_env_selects_one_environment(models: Path) -> None:
    assert list(synthesize(models, env="dev").templates) == ["dev"]


def test_an_unknown_environment_is_refused(models: Path) -> None:
    app = cdk.App(context=cdk_context(env="production"))

    with pytest.raises(ProjectError, match="'production' is unknown; expected one of local, dev"):
        build(app, Sources(ROOT, models))


def test_synthesis_is_repeatable(models: Path) -> None:
    assert synthesize(models, env="prod").templates == synthesize(models, env="prod").templates


def test_a_function_without_a_handler_is_named(tmp_path: Path, models: Path) -> None:
    shutil.copytree(ROOT / "functions", tmp_path / "functions")
    shutil.rmtree(tmp_path / "functions" / "judge")
    (tmp_path / "layers").symlink_to(ROOT / "layers")
    app = cdk.App(context=cdk_context(env="dev"))

    with pytest.raises(ProjectError, match=r"functions/judge/handler\.py: missing"):
        build(app, Sources(tmp_path, models))


def test_no_models_is_no_error(tmp_path: Path) -> None:
    stacks = synthesize(tmp_path, env="dev").templates["dev"]

    assert set(stacks) == STACKS - {f"model-{MODEL}"}


def test_templates_hold_no_account(cloud: Synthesized) -> None:
    """The agnostic templates name accounts of AWS's services at most, never one of ours."""
    text = json.dumps(cloud.templates)

    assert set(re.findall(r"(?<![\w.-])\d{12}(?![\w-])", text)) == set()


def test_templates_hold_no_path_of_this_machine(cloud: Synthesized) -> None:
    assert str(ROOT) not in json.dumps(cloud.templates)


def test_an_account_and_region_in_cdk_json_are_deployed_to(models: Path) -> None:
    environments = cdk_context()["environments"]
    environments["dev"] |= {"account": "123456789012", "region": "eu-central-1"}
    found = synthesize(models, env="dev", environments=environments)

    bucket = found.one("dev", "platform", "AWS::S3::Bucket")
    assert bucket["BucketName"] == "tidegate-dev-artifacts-123456789012-eu-central-1"


@pytest.mark.parametrize("file", PURE, ids=lambda file: str(file.relative_to(ROOT)))
def test_synthesis_is_pure(file: Path) -> None:
    tree = ast.parse(file.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                for alias in node.names}  # fmt: skip
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in imported} & IMPURE == set()


def test_functions_read_back_the_settings_that_the_stacks_wrote(cloud: Synthesized) -> None:
    for place, function in cloud.all("AWS::Lambda::Function"):
        variables = function["Properties"]["Environment"]["Variables"]
        plain = {k: v if isinstance(v, str) else "resolved" for k, v in variables.items()}
        settings = Settings.from_env(plain)

        assert settings.to_env().items() <= plain.items(), place
        ours = {name for name in plain if name.startswith("TIDEGATE_")}
        assert ours == set(settings.to_env()), place
