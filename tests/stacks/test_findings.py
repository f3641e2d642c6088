"""cdk-nag and cfn-lint: nothing open, nothing stale, and a gate that can be red."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import cloudformation_include
from constructs import IConstruct

from stacks.findings import PACKS
from tests.stacks.conftest import Synthesized, cdk_context

ACKNOWLEDGED = "aws:cdk:acknowledged-rules"


def open_findings(app: cdk.App) -> set[tuple[str, str]]:
    """Return (rule, construct path) of every finding that nobody acknowledged."""
    return {
        (violation.rule_name, resource.construct_path or "")
        for pack in PACKS
        for violation in pack(app).validate_scope(app).violations
        for resource in violation.violating_resources
    }


def acknowledgements(scope: IConstruct) -> dict[tuple[str, str], str]:
    """Return (construct path, rule) -> reason."""
    found: dict[tuple[str, str], str] = {}
    for construct in scope.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == ACKNOWLEDGED:
                for rule, reason in dict(entry.data).items():
                    found[construct.node.path, str(rule).removeprefix("Annotation::")] = str(reason)
    return found


def test_no_finding_is_open_in_any_environment(cloud: Synthesized) -> None:
    assert open_findings(cloud.app) == set()


def test_the_same_gate_is_red_on_a_naive_stack() -> None:
    app = cdk.App(context=cdk_context())
    stack = cdk.Stack(app, "naive")
    s3.Bucket(stack, "Bucket")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(iam.PolicyStatement(actions=["s3:*"], resources=["*"]))

    rules = {rule for rule, _ in open_findings(app)}
    assert {"AwsSolutions-S10", "AwsSolutions-IAM5[Action::s3:*]"} <= rules
    assert any(rule.startswith("NIST.800.53.R5-") for rule in rules)


def raw_findings(stage: cdk.Stage, templates: dict[str, Any], folder: Path) -> set[tuple[str, str]]:
    """Return (construct path, rule) of all findings: a template read back acknowledges nothing."""
    app, places = cdk.App(context=cdk_context()), {}
    for stack in stage.node.find_all():
        if not isinstance(stack, cdk.Stack):
            continue
        file = folder / f"{stack.stack_name}.json"
        file.write_text(json.dumps(templates[stack.stack_name.removeprefix(f"{stage.node.id}-")]))
        copy = cdk.Stack(app, stack.node.id)
        cloudformation_include.CfnInclude(copy, "Copy", template_file=str(file))
        for resource in stack.node.find_all():
            if isinstance(resource, cdk.CfnResource):
                logical = stack.resolve(resource.logical_id)
                places[f"{stack.node.id}/Copy/{logical}"] = resource.node.path
    return {(places[path], rule) for rule, path in open_findings(app) if path in places}


@pytest.mark.parametrize("env", ["local", "dev", "prod"])
def test_no_acknowledgement_is_stale(cloud: Synthesized, env: str, tmp_path: Path) -> None:
    stage = next(stage for stage in cloud.stages if stage.node.id == f"tidegate-{env}")
    raw = raw_findings(stage, cloud.templates[env], tmp_path)
    stale = [
        (path, rule)
        for path, rule in acknowledgements(stage)
        if not any(rule == found and f"{place}/".startswith(f"{path}/") for place, found in raw)
    ]

    assert stale == []


def test_every_acknowledgement_has_a_reason_and_covers_little(cloud: Synthesized) -> None:
    for (path, rule), reason in acknowledgements(cloud.app).items():
        assert len(reason) > 20, (path, rule)
        assert path.count("/") >= 2, f"{path}: {rule} is accepted for a whole stack"


def test_cfn_lint_has_nothing_to_say(cloud: Synthesized, tmp_path: Path) -> None:
    for env, stacks in cloud.templates.items():
        for stack, template in stacks.items():
            (tmp_path / f"{env}-{stack}.json").write_text(json.dumps(template))
    # W3005: CDK writes dependencies that a reference implies already.
    command = [str(Path(sys.executable).parent / "cfn-lint"), "-i", "W3005", "--regions"]
    done = subprocess.run(
        [*command, "us-east-1", "--", *map(str, sorted(tmp_path.glob("*.json")))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
