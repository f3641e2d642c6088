"""Roles are enforced in the local cloud: a function without one statement can't do its job."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.support import ADELIE, Second
from tidegate.client import Api
from tidegate_cli.cloud import Cloud

KEPT_SECONDS = 3  # the emulator keeps a decision so long


@pytest.fixture
def feedback_without_labels(cloud: Cloud) -> Iterator[None]:
    """Take the statement that lets feedback write labels from its role, and give it back."""
    iam = cloud.client("iam")
    name = cloud.settings.names.function("feedback")
    role = cloud.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    role = role.rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    less = {**before, "Statement": [s for s in before["Statement"] if not writes_labels(s)]}
    assert len(less["Statement"]) == len(before["Statement"]) - 1
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(less))
    time.sleep(KEPT_SECONDS)
    yield
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(before))
    time.sleep(KEPT_SECONDS)


def writes_labels(statement: dict[str, Any]) -> bool:
    return "dynamodb:UpdateItem" in statement["Action"]


def give_feedback(http: Api) -> int:
    receipt = http.predict("penguins", records=[ADELIE]).body["receipt"]
    label = [{"receipt": receipt, "row": 0, "label": "Adelie"}]
    return http.feedback("penguins", label).status


def test_feedback_stores_labels_under_its_own_role(second: Second, http: Api) -> None:
    assert give_feedback(http) == 200


def test_without_its_statement_feedback_is_denied(
    second: Second, http: Api, feedback_without_labels: None
) -> None:
    assert give_feedback(http) == 500


def test_every_function_has_a_role_of_its_own(cloud: Cloud) -> None:
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    roles = {f["FunctionName"]: f["Role"] for page in pages for f in page["Functions"]}
    ours = {name: role for name, role in roles.items() if name.startswith("tidegate-local-")}
    assert len(ours) >= 13
    assert len(set(ours.values())) == len(ours)
