"""Lambda as traffic: what is asked of the API and what its answers mean."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tidegate.aws.lambda_traffic import LambdaTraffic
from tidegate.errors import (
    NotFoundError,
    PublishPendingError,
    TrafficConflictError,
    TrafficError,
)
from tidegate.registry.retries import Retries
from tidegate.release.ports import Routing

FUNCTION = "tidegate-dev-model-iris"
WAITS: list[float] = []
PATIENCE = Retries(attempts=3, base=1.0, sleep=WAITS.append, chance=lambda: 0.5)
SEED_ENV = {"TIDEGATE_ENV": "dev"}
RELEASE_ENV = {"TIDEGATE_VERSION": "2", "TIDEGATE_RELEASE": "r-2"}


@pytest.fixture
def client() -> Any:
    return boto3.client(
        "lambda",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def api(client: Any) -> Iterator[Stubber]:
    WAITS.clear()
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def traffic(client: Any, api: Stubber) -> LambdaTraffic:
    return LambdaTraffic(client, function=FUNCTION, retries=PATIENCE)


def configuration(env: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "RevisionId": "rev-1",
        "Environment": {"Variables": env},
        **changes,
    }


def expect_configuration(api: Stubber, env: dict[str, str], **changes: Any) -> None:
    asked = {"FunctionName": FUNCTION}
    api.add_response("get_function_configuration", configuration(env, **changes), asked)


def expect_code(api: Stubber, revision: str) -> None:
    asked = {
        "FunctionName": FUNCTION,
        "S3Bucket": "bucket",
        "S3Key": "packages/iris/abc.zip",
        "Publish": True,
        "RevisionId": revision,
    }
    api.add_response("update_function_code", {"Version": "3"}, asked)


def publish(traffic: LambdaTraffic) -> str:
    return traffic.publish("s3://bucket/packages/iris/abc.zip", env=RELEASE_ENV)


def test_publishing_merges_the_variables_and_builds_on_the_revision_it_saw(
    traffic: LambdaTraffic, api: Stubber
) -> None:
    expect_configuration(api, SEED_ENV)
    merged = SEED_ENV | RELEASE_ENV
    asked = {
        "FunctionName": FUNCTION,
        "Environment": {"Variables": merged},
        "RevisionId": "rev-1",
    }
    api.add_response("update_function_configuration", {}, asked)
    expect_configuration(api, merged, LastUpdateStatus="InProgress")
    expect_configuration(api, merged, RevisionId="rev-2")
    expect_code(api, "rev-2")
    assert publish(traffic) == "3"
    assert WAITS == [0.5]


def test_publishing_again_leaves_equal_variables_alone(
    traffic: LambdaTraffic, api: Stubber
) -> None:
    expect_configuration(api, SEED_ENV | RELEASE_ENV)
    expect_code(api, "rev-1")
    assert publish(traffic) == "3"


def test_an_endless_update_is_pending(traffic: LambdaTraffic, api: Stubber) -> None:
    for _ in range(3):
        expect_configuration(api, SEED_ENV, LastUpdateStatus="InProgress")
    with pytest.raises(PublishPendingError, match="still being updated"):
        publish(traffic)


def test_variables_that_somebody_else_changed_are_a_conflict(
    traffic: LambdaTraffic, api: Stubber
) -> None:
    expect_configuration(api, SEED_ENV)
    api.add_response("update_function_configuration", {})
    expect_configuration(api, {"TIDEGATE_VERSION": "9"})
    with pytest.raises(TrafficConflictError, match="somebody else"):
        publish(traffic)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ResourceConflictException", PublishPendingError),
        ("PreconditionFailedException", TrafficConflictError),
        ("InvalidParameterValueException", TrafficError),
        ("ResourceNotFoundException", NotFoundError),
    ],
)
def test_codes_of_lambda_become_errors_that_say_what_was_done(
    traffic: LambdaTraffic, api: Stubber, code: str, error: type[Exception]
) -> None:
    expect_configuration(api, SEED_ENV | RELEASE_ENV)
    api.add_client_error("update_function_code", code, "because")
    with pytest.raises(error, match=r"publishing packages/iris/abc\.zip: because"):
        publish(traffic)


def test_an_unknown_code_rises_as_it_is(traffic: LambdaTraffic, api: Stubber) -> None:
    api.add_client_error("get_alias", "AccessDeniedException", "no")
    with pytest.raises(Exception, match="AccessDenied"):
        traffic.routing()


@pytest.mark.parametrize("uri", ["bucket/key", "s3://bucket", "s3:///key", "https://x/y"])
def test_an_address_that_is_no_package_is_refused(traffic: LambdaTraffic, uri: str) -> None:
    with pytest.raises(TrafficError, match="no s3:// address"):
        traffic.publish(uri, env={})


@pytest.mark.parametrize(
    ("state", "update", "ready"),
    [
        ("Active", "Successful", True),
        ("Pending", "InProgress", False),
        ("Active", "InProgress", False),
        ("Inactive", "Successful", False),
    ],
)
def test_a_version_is_ready_when_it_is_active_and_settled(
    traffic: LambdaTraffic, api: Stubber, state: str, update: str, ready: bool
) -> None:
    answer = configuration({}, State=state, LastUpdateStatus=update)
    asked = {"FunctionName": FUNCTION, "Qualifier": "3"}
    api.add_response("get_function_configuration", answer, asked)
    assert traffic.is_ready("3") is ready


def test_a_version_that_failed_says_why(traffic: LambdaTraffic, api: Stubber) -> None:
    answer = configuration({}, State="Failed", StateReason="no layer")
    api.add_response("get_function_configuration", answer)
    with pytest.raises(TrafficError, match="State is Failed: no layer"):
        traffic.is_ready("3")


def test_the_code_digest_is_the_versions_own(traffic: LambdaTraffic, api: Stubber) -> None:
    asked = {"FunctionName": FUNCTION, "Qualifier": "3"}
    api.add_response("get_function_configuration", configuration({}, CodeSha256="abc="), asked)
    assert traffic.code_sha256("3") == "abc="


def answer_of(body: bytes, **more: Any) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(body), len(body)), **more}


def test_a_version_is_called_directly(traffic: LambdaTraffic, api: Stubber) -> None:
    asked = {"FunctionName": FUNCTION, "Qualifier": "3", "Payload": b"{}"}
    api.add_response("invoke", answer_of(b'{"statusCode": 200}'), asked)
    assert traffic.invoke("3", b"{}") == b'{"statusCode": 200}'


def test_a_function_that_raises_is_a_traffic_error(traffic: LambdaTraffic, api: Stubber) -> None:
    api.add_response("invoke", answer_of(b'{"errorMessage": "boom"}', FunctionError="Unhandled"))
    with pytest.raises(TrafficError, match=r"version 3 fails.*boom"):
        traffic.invoke("3", b"{}")


def test_the_alias_is_read_with_its_canary(traffic: LambdaTraffic, api: Stubber) -> None:
    asked = {"FunctionName": FUNCTION, "Name": "live"}
    alias = {"FunctionVersion": "2", "RevisionId": "rev-7"}
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1}}}
    api.add_response("get_alias", alias, asked)
    api.add_response("get_alias", alias | weights, asked)
    assert traffic.routing() == Routing("2", revision="rev-7")
    assert traffic.routing() == Routing("2", "3", 10, "rev-7")


@pytest.mark.parametrize(
    ("canary", "weight", "weights"), [("3", 10, {"3": 0.1}), ("", 0, {}), ("3", 0, {})]
)
def test_the_alias_moves_only_from_the_revision_seen(
    traffic: LambdaTraffic, api: Stubber, canary: str, weight: int, weights: dict[str, float]
) -> None:
    asked = {
        "FunctionName": FUNCTION,
        "Name": "live",
        "FunctionVersion": "2",
        "RoutingConfig": {"AdditionalVersionWeights": weights},
        "RevisionId": "rev-7",
    }
    api.add_response("update_alias", {}, asked)
    traffic.route("2", revision="rev-7", canary=canary, weight=weight)
    api.add_client_error(
        "update_alias", "PreconditionFailedException", "stale", expected_params=asked
    )
    with pytest.raises(TrafficConflictError, match="moving alias 'live' to version 2: stale"):
        traffic.route("2", revision="rev-7", canary=canary, weight=weight)
