"""Nobody may change or take away a row of the registry: roles only add, and the table stays."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest

from tests.stacks.conftest import Synthesized
from tests.stacks.test_permissions import listed, statements
from tidegate.settings import ENVIRONMENTS, Names

ADDING = {"dynamodb:PutItem"}  # a transaction of conditional puts; it needs no other right
READING = {"dynamodb:GetItem", "dynamodb:Query"}
# Whatever else would change rows, take them away, or put another table in the place of this one.
FORBIDDEN = (
    "DeleteItem", "UpdateItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate",
    "PartiQLDelete", "DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups",
    "RestoreTableToPointInTime", "RestoreTableFromBackup", "ImportTable", "DeleteBackup",
    "PutResourcePolicy", "DeleteResourcePolicy",
)  # fmt: skip


def on_the_registry(cloud: Synthesized, env: str) -> list[tuple[str, set[str], str]]:
    """Return (role, actions, resource) of what is allowed on the registry or its indexes."""
    table = Names(env).registry_table
    return [
        (place, set(listed(statement["Action"])), text)
        for kind in ("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
        for place, policy in cloud.all(kind, env=env)
        for statement in statements(policy)
        if statement["Effect"] == "Allow"
        for text in [json.dumps(statement.get("Resource", ""))]
        if any(word.startswith("dynamodb:") or word == "*" for word in listed(statement["Action"]))
        and (table in text or "table/*" in text or text in ('"*"', '["*"]'))
    ]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_roles_may_read_and_add_and_nothing_else(cloud: Synthesized, env: str) -> None:
    found = on_the_registry(cloud, env)
    assert {word for _, words, _ in found for word in words} == READING | ADDING
    for place, words, _ in found:
        for action in FORBIDDEN:
            assert not any(fnmatchcase(f"dynamodb:{action}", word) for word in words), place


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_index_is_only_read(cloud: Synthesized, env: str) -> None:
    for place, words, resource in on_the_registry(cloud, env):
        if "/index/" in resource:
            assert words == {"dynamodb:Query"}, place


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_rows_do_not_expire_and_the_past_of_the_table_is_kept(cloud: Synthesized, env: str) -> None:
    (table,) = (
        resource
        for _, resource in cloud.all("AWS::DynamoDB::Table", env=env)
        if resource["Properties"]["TableName"] == Names(env).registry_table
    )
    properties = table["Properties"]
    assert "TimeToLiveSpecification" not in properties
    assert "ResourcePolicy" not in properties
    recovery = properties["PointInTimeRecoverySpecification"]
    assert recovery["PointInTimeRecoveryEnabled"] is True


def test_the_table_of_production_outlives_its_stack(cloud: Synthesized) -> None:
    ((_, table),) = (
        (place, resource)
        for place, resource in cloud.all("AWS::DynamoDB::Table", env="prod")
        if resource["Properties"]["TableName"] == Names("prod").registry_table
    )
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
