"""ModelRoutes: a model's paths in the API, each signed by the caller (IAM)."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.front_door import route_arn


class ModelRoutes(Construct):
    """Routes of one model: feedback to the shared function, all others to the model's alias."""

    def __init__(
        self, scope: Construct, id_: str, *, model: str, api_id: str, alias_arn: str
    ) -> None:
        super().__init__(scope, id_)
        self._api_id = api_id
        self._path = f"/models/{model}"
        self._target = self._integrate("Endpoint", alias_arn)
        self._serve("Predict", "POST", f"{self._path}/predict", alias_arn)
        self._serve("Health", "GET", self._path, alias_arn)
        self._serve("OpenApi", "GET", f"{self._path}/openapi.json", alias_arn)
        # The Open Inference Protocol has a dozen paths, some with a version in them, and an API has
        # room for 300 routes: so two greedy ones, and one for the path that they don't cover.
        self._serve("V2", "GET", f"{self._path}/v2", alias_arn)
        self._serve("V2Reads", "GET", f"{self._path}/v2/{{proxy+}}", alias_arn)
        self._serve("V2Infer", "POST", f"{self._path}/v2/{{proxy+}}", alias_arn)

    def add_feedback(self, function_arn: str) -> None:
        """Route feedback to the function that stores labels; it lets the API in for all models."""
        self._route(
            "Feedback", f"POST {self._path}/feedback", self._integrate("Labels", function_arn)
        )

    def _serve(self, id_: str, method: Literal["GET", "POST"], path: str, alias_arn: str) -> None:
        self._route(id_, f"{method} {path}", self._target)
        source = path.replace("{proxy+}", "*")
        lambda_.CfnPermission(
            self,
            f"{id_}Permission",
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            function_name=alias_arn,
            source_arn=route_arn(
                cdk.Stack.of(self), api_id=self._api_id, method=method, path=source
            ),
        )

    def _integrate(self, id_: str, function_arn: str) -> str:
        integration = apigateway.CfnIntegration(
            self,
            f"{id_}Integration",
            api_id=self._api_id,
            integration_type="AWS_PROXY",
            integration_uri=function_arn,
            payload_format_version="2.0",
        )
        return f"integrations/{integration.ref}"

    def _route(self, id_: str, key: str, target: str) -> None:
        apigateway.CfnRoute(
            self,
            id_,
            api_id=self._api_id,
            route_key=key,
            target=target,
            authorization_type="AWS_IAM",
        )
