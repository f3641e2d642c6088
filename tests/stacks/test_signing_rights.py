"""The key that signs versions: what it is, who may use it, and that nobody here may end it."""

from __future__ import annotations

import json
from typing import Any

from tests.stacks.conftest import MODEL, Synthesized, environments
from tests.stacks.test_permissions import listed, resources_of, statements
from tidegate.settings import NAMESPACE, Names

ENDINGS = {"kms:ScheduleKeyDeletion", "kms:DisableKey"}


def signing_key(cloud: Synthesized, env: str) -> tuple[str, dict[str, Any]]:
    """Return logical id and resource of the platform's only asymmetric key."""
    found = cloud.resources(env, "platform", "AWS::KMS::Key").items()
    (key,) = ((id_, key) for id_, key in found if "KeySpec" in key["Properties"])
    return key


def users(cloud: Synthesized, env: str, action: str) -> set[str]:
    """Return the verbs of the functions that may do an action on the signing key."""
    exported = f":ExportsOutputFnGetAtt{signing_key(cloud, env)[0]}Arn"
    found = set()
    for place, policy in cloud.resources(env, "control", "AWS::IAM::Policy").items():
        resources = resources_of(list(statements(policy)), action)
        if exported in resources:
            found.add(place.removeprefix("Functions").split("Role")[0].lower())
    return found


def test_it_is_an_asymmetric_key_that_signs(cloud: Synthesized, env: str) -> None:
    _, key = signing_key(cloud, env)
    assert key["Properties"]["KeySpec"] == "ECC_NIST_P256"
    assert key["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    assert "EnableKeyRotation" not in key["Properties"]  # KMS refuses it on an asymmetric key


def test_its_alias_is_the_name_that_functions_derive(cloud: Synthesized, env: str) -> None:
    alias = cloud.one(env, "platform", "AWS::KMS::Alias")
    assert alias["AliasName"] == Names(env).signing_key == f"alias/tidegate-{env}-signing"
    assert alias["TargetKeyId"] == {"Fn::GetAtt": [signing_key(cloud, env)[0], "Arn"]}


def test_register_alone_signs_and_only_those_verify_that_load_packages(
    cloud: Synthesized, env: str
) -> None:
    assert users(cloud, env, "kms:Sign") == {"register"}
    assert users(cloud, env, "kms:Verify") == {"batch", "release"}


def test_no_role_may_end_change_or_hand_on_the_key(cloud: Synthesized) -> None:
    allowed = {"kms:Sign", "kms:Verify"}
    for place, policy in cloud.all("AWS::IAM::Policy"):
        for statement in statements(policy):
            found = {a for a in listed(statement["Action"]) if a.startswith("kms:")}
            assert found <= allowed, place
            assert not found or "*" not in json.dumps(statement["Resource"]), place


def test_a_protected_environment_keeps_key_and_alias_and_refuses_their_end(
    cloud: Synthesized, env: str
) -> None:
    _, key = signing_key(cloud, env)
    (alias,) = cloud.resources(env, "platform", "AWS::KMS::Alias").values()
    protected = environments()[env]["protect"]
    wanted = "Retain" if protected else "Delete"
    for resource in (key, alias):
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == wanted
    denied = [s for s in key["Properties"]["KeyPolicy"]["Statement"] if s["Effect"] == "Deny"]
    if not protected:
        assert denied == []
        return
    (statement,) = denied
    assert set(statement["Action"]) == ENDINGS
    assert statement["Principal"] == {"AWS": "*"}


def test_a_refused_package_rings(cloud: Synthesized, env: str) -> None:
    found = cloud.resources(env, f"model-{MODEL}", "AWS::CloudWatch::Alarm").values()
    name = f"tidegate-{env}-{MODEL}-package-refused"
    (alarm,) = (a["Properties"] for a in found if a["Properties"]["AlarmName"] == name)
    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, "PackageRefused")
    watched = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
    assert watched == {"Env": env, "Model": MODEL}
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)
