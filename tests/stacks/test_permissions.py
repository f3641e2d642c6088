"""IAM: every role does its own work only; wildcards are few and each has its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from stacks.constructs.control_functions import SHAPES
from stacks.constructs.grants import allow
from stacks.constructs.roles import service_role
from tests.stacks.conftest import MODEL, Synthesized, cdk_context

Statement = dict[str, Any]
# Actions that AWS knows no resource for, or whose resource is the key that the policy belongs to.
ANY_RESOURCE = {
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
    "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    "xray:GetSamplingRules", "xray:GetSamplingTargets",
}  # fmt: skip
PERMISSIONS = Path(__file__).parent / "expected_permissions.txt"
ASSET = re.compile(r"[0-9a-f]{64}")
WHOLE_KEY = "kms:*"  # CDK's root statement of a key: the account administers it


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resource: dict[str, Any]) -> Iterator[Statement]:
    """Yield the statements of a policy, of a role's own policies, or of a resource's policy."""
    properties = resource["Properties"]
    for key in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"):
        yield from properties.get(key, {}).get("Statement", [])
    for policy in properties.get("Policies", []):
        if isinstance(policy, dict):
            yield from policy["PolicyDocument"]["Statement"]


def role_statements(cloud: Synthesized, env: str, stack: str, part: str) -> list[Statement]:
    """Return what the role whose logical id begins with `part` may do."""
    return [
        statement
        for key, policy in cloud.resources(env, stack, "AWS::IAM::Policy").items()
        if key.startswith(part)
        for statement in statements(policy)
    ]


def actions(found: list[Statement]) -> set[str]:
    return {action for statement in found for action in listed(statement["Action"])}


def resources_of(found: list[Statement], action: str) -> str:
    """Return the resources of all statements that allow an action, as text."""
    return json.dumps([s["Resource"] for s in found if action in listed(s["Action"])])


def test_no_action_is_a_wildcard(cloud: Synthesized) -> None:
    wild = [
        (place, action)
        for place, resource in cloud.all()
        for statement in statements(resource)
        if statement["Effect"] == "Allow"
        for action in listed(statement.get("Action", []))
        if "*" in action and not (resource["Type"] == "AWS::KMS::Key" and action == WHOLE_KEY)
    ]

    assert wild == []


def test_any_resource_is_granted_for_listed_actions_only(cloud: Synthesized) -> None:
    for place, policy in cloud.all("AWS::IAM::Policy"):
        for statement in statements(policy):
            if "*" in listed(statement["Resource"]):
                assert set(listed(statement["Action"])) <= ANY_RESOURCE, place


def test_nobody_may_delete_from_or_update_the_registry(cloud: Synthesized) -> None:
    for place, policy in cloud.all("AWS::IAM::Policy"):
        for statement in statements(policy):
            if "-registry" in json.dumps(statement["Resource"]):
                allowed = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}
                assert set(listed(statement["Action"])) <= allowed, place


def test_only_the_sweep_may_delete_from_the_bucket_and_only_named_versions_of_packages(
    cloud: Synthesized, env: str
) -> None:
    found = [
        (place, statement)
        for place, policy in cloud.all("AWS::IAM::Policy", env=env)
        for statement in statements(policy)
        if "s3:Delete" in json.dumps(statement)
    ]

    ((place, statement),) = found
    assert "FunctionsSweepRole" in place
    assert statement["Action"] == "s3:DeleteObjectVersion"
    assert flat(statement["Resource"]).endswith(f":::tidegate-{env}-artifacts--/packages/*")


def test_every_function_has_a_role_of_its_own(cloud: Synthesized, env: str) -> None:
    roles = [
        json.dumps(function["Properties"]["Role"]) + place.split("/")[1]
        for place, function in cloud.all("AWS::Lambda::Function", env=env)
    ]

    assert len(roles) == len(set(roles)) == len(SHAPES) + 1


def test_release_and_sweep_move_traffic_and_only_of_endpoints(cloud: Synthesized, env: str) -> None:
    movers = {
        place
        for place, policy in cloud.all("AWS::IAM::Policy", env=env)
        if "lambda:UpdateAlias" in actions(list(statements(policy)))
    }
    release = role_statements(cloud, env, "control", "FunctionsReleaseRole")

    assert sorted(re.sub(r"RoleDefault.*", "", place.split("/")[-1]) for place in movers) == [
        "FunctionsRelease",
        "FunctionsSweep",
    ]
    sweep = role_statements(cloud, env, "control", "FunctionsSweepRole")
    moving = {action for action in actions(sweep) if action.startswith("lambda:")}
    assert moving == {"lambda:GetAlias", "lambda:UpdateAlias"}
    assert f":function:tidegate-{env}-model-*" in resources_of(sweep, "lambda:UpdateAlias")
    for action in ("lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:InvokeFunction"):
        assert f":function:tidegate-{env}-model-*" in resources_of(release, action)


def test_one_role_is_passed_and_to_sagemaker_only(cloud: Synthesized, env: str) -> None:
    passing = [
        statement
        for _, policy in cloud.all("AWS::IAM::Policy", env=env)
        for statement in statements(policy)
        if "iam:PassRole" in listed(statement["Action"])
    ]

    assert len(passing) == 1
    assert f":role/tidegate-{env}-training-job" in json.dumps(passing[0]["Resource"])
    assert "*" not in json.dumps(passing[0]["Resource"])
    assert passing[0]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_training_jobs_are_those_of_the_environment(cloud: Synthesized, env: str) -> None:
    train = role_statements(cloud, env, "control", "TrainWorkflowRole")

    assert {"sagemaker:StopTrainingJob", "sagemaker:AddTags"} <= actions(train)
    jobs = resources_of(train, "sagemaker:CreateTrainingJob")
    assert f":training-job/tidegate-{env}-*" in jobs


@pytest.mark.parametrize(
    ("verb", "never"),
    [
        ("collect", {"dynamodb:Query", "s3:GetObject", "events:PutEvents"}),
        ("feedback", {"dynamodb:DeleteItem", "events:PutEvents", "s3:PutObject"}),
        ("inspect", {"dynamodb:PutItem", "lambda:UpdateAlias"}),
        ("evaluate", {"dynamodb:PutItem", "events:PutEvents"}),
        ("record", {"s3:GetObject", "s3:PutObject"}),
        ("judge", {"lambda:UpdateAlias", "s3:PutObject"}),
        ("monitor", {"states:StartExecution", "lambda:UpdateAlias"}),
        (
            "sweep",
            {
                "lambda:UpdateFunctionCode",
                "lambda:InvokeFunction",
                "s3:PutObject",
                "s3:DeleteObject",
                "states:StartExecution",
                "states:StopExecution",
            },
        ),
        (
            "govern",
            {
                "ssm:PutParameter",
                "lambda:UpdateAlias",
                "s3:PutObject",
                "sagemaker:CreateTrainingJob",
            },
        ),
    ],
)
def test_a_function_may_not_do_what_is_not_its_work(
    cloud: Synthesized, verb: str, never: set[str]
) -> None:
    found = role_statements(cloud, "prod", "control", f"Functions{verb.capitalize()}Role")

    assert found
    assert actions(found) & never == set()


def test_the_endpoint_may_write_its_log_and_read_its_own_large_models(
    cloud: Synthesized, env: str
) -> None:
    found = role_statements(cloud, env, f"model-{MODEL}", "EndpointRole")

    assert actions(found) == {"logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject"}
    (read,) = (s for s in found if s["Action"] == "s3:GetObject")
    models = f":::tidegate-{env}-artifacts--/packages/{MODEL}/*.onnx"
    assert flat(read["Resource"]).endswith(models)


def test_the_governor_starts_trainings_only(cloud: Synthesized, env: str) -> None:
    found = role_statements(cloud, env, "control", "FunctionsGovernRole")

    assert f":stateMachine:tidegate-{env}-train" in resources_of(found, "states:StartExecution")
    assert "-release" not in resources_of(found, "states:StartExecution")
    records = next(s for s in found if "dynamodb:DeleteItem" in listed(s["Action"]))
    assert f"tidegate-{env}-ledger" in json.dumps(records["Resource"])
    assert records["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["I#govern"]}
    }


def test_every_role_is_assumed_by_one_service(cloud: Synthesized) -> None:
    for place, role in cloud.all("AWS::IAM::Role"):
        trusted = [
            s["Principal"] for s in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        ]
        assert len(trusted) == 1, place
        assert set(trusted[0]) == {"Service"}, place


def test_functions_of_other_accounts_and_apis_are_not_let_in(cloud: Synthesized) -> None:
    for place, permission in cloud.all("AWS::Lambda::Permission"):
        properties = permission["Properties"]
        assert "SourceArn" in properties or "SourceAccount" in properties, place
        assert properties["Principal"].endswith(".amazonaws.com"), place


def test_a_wildcard_without_a_reason_is_refused() -> None:
    role = service_role(
        cdk.Stack(cdk.App(context=cdk_context()), "s"), "Role", service="lambda", description="d"
    )

    with pytest.raises(ValueError, match="give the reason for the wildcard"):
        allow(role, ["s3:GetObject"], on=["arn:aws:s3:::bucket/*"])
    with pytest.raises(ValueError, match="name each action"):
        allow(role, ["s3:Get*"], on=["arn:aws:s3:::bucket/key"])


def flat(value: Any) -> str:
    """Print a resource without account, region and partition; a reference by its logical id."""
    if isinstance(value, str):
        return value
    name, content = next(iter(value.items()))
    if name == "Fn::Join":
        return "".join(flat(part) for part in content[1])
    if name == "Fn::GetAtt":
        return f"<{content[0]}>"
    return "" if str(content).startswith("AWS::") else f"<{content}>"


def permissions(cloud: Synthesized, env: str) -> list[str]:
    """Return `role action resource [conditions]` of every statement of one environment."""
    lines = set()
    for place, policy in cloud.all("AWS::IAM::Policy", env=env):
        role = re.sub(r"(RoleDefaultPolicy)?[0-9A-F]{8}$", "", place.split("/", 1)[1])
        for statement in statements(policy):
            keys = json.dumps(statement.get("Condition", {}), sort_keys=True)
            when = "" if keys == "{}" else f"  if {re.sub(ASSET, 'ASSET', keys)}"
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    name = re.sub(ASSET, "ASSET", flat(resource))
                    lines.add(f"{role}  {action}  {re.sub(r'[0-9A-F]{8}>', '>', name)}{when}")
    return sorted(lines)


def test_every_role_may_do_exactly_what_was_agreed(cloud: Synthesized) -> None:
    """A statement more or less is a decision: change the file with the code, in one commit."""
    found = permissions(cloud, "prod")

    assert found == PERMISSIONS.read_text().splitlines()


def test_every_environment_grants_the_same(cloud: Synthesized, env: str) -> None:
    renamed = [
        line.replace(f"tidegate-{env}", "tidegate-prod").replace(
            f"/tidegate/{env}/", "/tidegate/prod/"
        )
        for line in permissions(cloud, env)
    ]

    assert sorted(renamed) == permissions(cloud, "prod")
