"""Traffic reaches the version that the weights, the authorizer and the throttle let it reach."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.local_cloud.driver import ACCOUNT, Driver, zipped

pytestmark = pytest.mark.local
VERSION = (
    "def handler(event, context):\n"
    "    return {'v': context.function_version, 'arn': context.invoked_function_arn}\n"
)


@pytest.fixture
def weighted(driver: Driver, name: str) -> str:
    """Publish two versions behind an alias that gives the second one 30 %."""
    driver.function(name, VERSION, Publish=True)
    functions = driver.client("lambda")
    functions.update_function_code(
        FunctionName=name, ZipFile=zipped(VERSION + "# two"), Publish=True
    )
    functions.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.3}},
    )
    return name


def test_invoke_follows_the_weights_and_tells_the_version(driver: Driver, weighted: str) -> None:
    answers = [driver.invoke(weighted, qualifier="live") for _ in range(200)]
    counts = Counter(answer["ExecutedVersion"] for answer in answers)
    assert 30 <= counts["2"] <= 95  # 60 expected, six standard deviations are 39
    assert all(answer["Payload"]["v"] == answer["ExecutedVersion"] for answer in answers)
    assert answers[0]["Payload"]["arn"].endswith(f":function:{weighted}:live")
    assert driver.invoke(weighted, qualifier="1")["ExecutedVersion"] == "1"


def test_an_http_api_follows_the_weights_and_refuses_the_unsigned(
    driver: Driver, weighted: str
) -> None:
    gateway = driver.client("apigatewayv2")
    api = gateway.create_api(Name=weighted, ProtocolType="HTTP")["ApiId"]
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    integration = gateway.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{weighted}:live",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    gateway.create_route(
        ApiId=api,
        RouteKey="POST /predict",
        AuthorizationType="AWS_IAM",
        Target=f"integrations/{integration}",
    )
    answers = [driver.post(api, "/predict") for _ in range(200)]
    assert {status for status, _ in answers} == {200}
    counts = Counter(body["v"] for _, body in answers)
    assert 30 <= counts["2"] <= 95
    assert driver.post(api, "/predict", signed=False)[0] == 403
    # per version, as a release reads them
    total = sum(
        point["Sum"]
        for version in ("1", "2")
        for point in statistics(driver, weighted, version)["Datapoints"]
    )
    assert total == 200


def statistics(driver: Driver, function: str, version: str) -> dict[str, Any]:
    """Read how often a version was invoked through the alias."""
    dimensions = {
        "FunctionName": function,
        "Resource": f"{function}:live",
        "ExecutedVersion": version,
    }
    answer: dict[str, Any] = driver.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=0,
        EndTime=4102444800,
        Period=86400,
        Statistics=["Sum"],
    )
    return answer


def test_a_throttled_stage_answers_429_and_its_access_log_says_so(
    driver: Driver, name: str
) -> None:
    logs, gateway = driver.client("logs"), driver.client("apigatewayv2")
    logs.create_log_group(logGroupName=name)
    api = gateway.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
    gateway.create_stage(
        ApiId=api,
        StageName="$default",
        DefaultRouteSettings={"ThrottlingRateLimit": 0.1, "ThrottlingBurstLimit": 2},
        AccessLogSettings={
            "DestinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}",
            "Format": '{"status":"$context.status","path":"$context.path"}',
        },
    )
    statuses = [driver.post(api, "/x")[0] for _ in range(3)]
    assert statuses == [404, 404, 429]
    assert [json.loads(m)["status"] for m in driver.messages(name)] == ["404", "404", "429"]
