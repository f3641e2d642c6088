"""FrontDoor: the HTTP API; every route is signed (IAM), throttled and logged."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.constructs.log_group import log_group
from stacks.stage import StageSettings
from tidegate.settings import Names

STAGE = "$default"
# Never the body, never the query: they may hold feature values.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "requestTime": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "httpMethod": "$context.httpMethod",
    "path": "$context.path",
    "routeKey": "$context.routeKey",
    "protocol": "$context.protocol",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


class FrontDoor(Construct):
    """The API of one environment; model stacks add their routes."""

    def __init__(self, scope: Construct, id_: str, *, stage: StageSettings) -> None:
        super().__init__(scope, id_)
        names = Names(stage.env)
        api = apigateway.CfnApi(
            self,
            "Api",
            name=names.prefix,
            protocol_type="HTTP",
            description=f"Predictions and feedback of Tidegate {stage.env}",
        )
        self.api_id = api.ref
        access = log_group(self, "AccessLog", name=_log_name(names), stage=stage)
        self._stage(api, access, stage)
        ssm.StringParameter(
            self,
            "Url",
            parameter_name=names.api_url_parameter,
            description="Base URL of the API",
            string_value=api.attr_api_endpoint,
        )

    def _stage(self, api: apigateway.CfnApi, access: logs.LogGroup, stage: StageSettings) -> None:
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=api.ref,
            stage_name=STAGE,
            auto_deploy=True,
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=access.log_group_arn, format=json.dumps(_ACCESS_LOG)
            ),
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=stage.throttle.rate,
                throttling_burst_limit=stage.throttle.burst,
                detailed_metrics_enabled=True,
            ),
        )


def route_arn(stack: cdk.Stack, *, api_id: str, method: str, path: str) -> str:
    """Return the ARN by which a function's policy names a route of any stage."""
    return stack.format_arn(
        service="execute-api", resource=api_id, resource_name=f"*/{method}{path}"
    )


def _log_name(names: Names) -> str:
    # Log groups under /aws/vendedlogs share one resource policy, whose size AWS limits.
    return f"/aws/vendedlogs/apigateway/{names.prefix}"
