"""HTTP API events (payload format 2.0), as API Gateway would hand them to the endpoint.

Source: "Create AWS Lambda proxy integrations for HTTP APIs", API Gateway Developer Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Call:
    """One HTTP call: `route` is the template, `parameters` fill it in."""

    method: str
    route: str
    body: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    request_id: str = "direct"

    @property
    def path(self) -> str:
        """The route with its parameters filled in."""
        return self.route.format(**self.parameters)


def http_event(call: Call, *, at: datetime) -> dict[str, Any]:
    """Build the event of a call.

    >>> from datetime import UTC
    >>> event = http_event(Call("GET", "/models/{name}", parameters={"name": "iris"}),
    ...                    at=datetime(2026, 11, 20, tzinfo=UTC))
    >>> event["rawPath"], event["requestContext"]["http"]["method"]
    ('/models/iris', 'GET')
    """
    return {
        "version": "2.0",
        "routeKey": f"{call.method} {call.route}",
        "rawPath": call.path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "content-length": str(len(call.body))},
        "pathParameters": dict(call.parameters),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "direct",
            "domainName": "direct",
            "http": {
                "method": call.method,
                "path": call.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "tidegate-release",
            },
            "requestId": call.request_id,
            "routeKey": f"{call.method} {call.route}",
            "stage": "$default",
            "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(at.timestamp() * 1000),
        },
        "body": call.body,
        "isBase64Encoded": False,
    }
