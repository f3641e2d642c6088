"""Batch: the map's children are bounded, its failures end in a manifest, buckets are a list."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.constructs.artifacts_bucket import ArtifactsBucket
from stacks.constructs.batch_access import grant_planning, grant_scoring
from stacks.constructs.control_functions import SHAPES
from stacks.constructs.roles import service_role
from stacks.sources import Sources
from stacks.stage import read_stage
from tests.stacks.conftest import ROOT, cdk_context, environments
from tidegate.errors import ProjectError


def machine() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Sources(ROOT).workflow("batch"))
    return found


def test_a_child_waits_longer_than_its_function_and_retries_what_is_lambdas() -> None:
    (child,) = machine()["States"]["Score"]["ItemProcessor"]["States"].values()
    (retry,) = child["Retry"]

    assert child["TimeoutSeconds"] > SHAPES["score"].timeout_seconds == 900
    assert "Lambda.TooManyRequestsException" in retry["ErrorEquals"]
    assert all(name.startswith("Lambda.") for name in retry["ErrorEquals"])
    assert retry["JitterStrategy"] == "FULL"


def test_whatever_becomes_of_the_map_there_is_a_manifest() -> None:
    score = machine()["States"]["Score"]

    assert {way["Next"] for way in score["Catch"]} == {score["Next"]} == {"Finish"}
    assert {way["Output"] for way in score["Catch"]} == {score["Output"]} == {"{% $states.input %}"}


def test_items_and_results_are_the_plans() -> None:
    score = machine()["States"]["Score"]

    assert score["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert score["ItemReader"]["Arguments"] == {
        "Bucket": "{% $states.input.bucket %}",
        "Key": "{% $states.input.items %}",
    }
    assert score["ResultWriter"]["Arguments"]["Prefix"] == "{% $states.input.results %}"


def granted(*buckets: str) -> dict[str, list[str]]:
    """Return the statements on the listed buckets, by action."""
    stage = replace(read_stage(environments(), "prod"), batch_buckets=buckets)
    stack = cdk.Stack(cdk.App(context=cdk_context()), "s")
    files = ArtifactsBucket(stack, "Files", stage=stage)
    found: dict[str, list[str]] = {}
    for name, grant in (("plan", grant_planning), ("score", grant_scoring)):
        role = service_role(stack, name.capitalize(), service="lambda", description=name)
        grant(role, files=files, stage=stage)
        for statement in stack.resolve(role.node.find_child("DefaultPolicy").document)["Statement"]:
            text = json.dumps(statement["Resource"])
            for action in (
                [statement["Action"]]
                if isinstance(statement["Action"], str)
                else statement["Action"]
            ):
                found.setdefault(f"{name} {action}", []).extend(
                    b for b in buckets if f":::{b}" in text
                )
    return found


def test_a_bucket_of_the_list_is_opened_and_no_other() -> None:
    found = granted("lake", "sea")

    assert set(found) == {
        "plan s3:ListBucket", "plan s3:GetObject", "plan s3:PutObject",
        "score s3:GetObject", "score s3:PutObject",
    }  # fmt: skip
    assert all(sorted(buckets) == ["lake", "sea"] for buckets in found.values()), found
    assert not any(buckets for buckets in granted().values())


@pytest.mark.parametrize("name", ["*", "s3://lake", "lake/*", "La", ""])
def test_what_is_no_name_of_a_bucket_is_refused(name: str) -> None:
    spoiled = environments()
    spoiled["prod"] = {**spoiled["prod"], "batch_buckets": [name]}

    with pytest.raises(ProjectError, match=r"environments\.prod\.batch_buckets: expected names"):
        read_stage(spoiled, "prod")
