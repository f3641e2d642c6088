"""Gateway: the throttle and the access log of an HTTP API's stage.

The emulator stores both and applies neither. A refused request is logged as well, as on AWS.
"""

import re
import threading
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from . import logs, seams

_APP = "ministack.app"
_VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")
_REFUSED = (429, {"Content-Type": "application/json"}, b'{"message":"Too Many Requests"}')


@dataclass
class Bucket:
    """A token bucket: `rate` tokens a second, at most `burst` at once."""

    rate: float
    burst: float
    tokens: float
    filled: float

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(frozen=True)
class Call:
    """One request to a stage."""

    api_id: str
    stage: str
    method: str
    path: str
    user_agent: str
    started: float


class Throttles:
    """The token buckets of stages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def admit(self, key: str, settings: dict[str, Any], now: float) -> bool:
        """Tell whether a stage has room for one more request."""
        rate = float(settings.get("throttlingRateLimit") or 0)
        burst = float(settings.get("throttlingBurstLimit") or 0)
        if not rate or not burst:
            return True
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):
                bucket = self._buckets[key] = Bucket(rate, burst, burst, now)
            return bucket.take(now)


def render(template: str, values: dict[str, str]) -> str:
    """Fill `$context` variables in; one without a value becomes `-`.

    >>> render('{"s":"$context.status","e":"$context.error.message"}', {"status": "200"})
    '{"s":"200","e":"-"}'
    """
    return _VARIABLE.sub(lambda found: values.get(found[1], "-"), template)


def install() -> None:
    """Admit, serve and log every request to an HTTP API."""
    app = seams.load(_APP)
    serve, throttles = app._handle_execute_api_request, Throttles()

    async def handle(
        host: str, path: str, method: str, headers: dict[str, str], *rest: Any, **named: Any
    ) -> Any:
        target = _target(app, host, path)
        if target is None:
            return await serve(host, path, method, headers, *rest, **named)
        api_id, name, stage, route_path = target
        started = time.time()
        settings = stage.get("defaultRouteSettings") or {}
        if throttles.admit(f"{api_id}/{name}", settings, started):
            answer = await serve(host, path, method, headers, *rest, **named)
        else:
            answer = _REFUSED
        if answer is not None and (stage.get("accessLogSettings") or {}).get("destinationArn"):
            call = Call(api_id, name, method, route_path, headers.get("user-agent", "-"), started)
            _log(stage["accessLogSettings"], _values(call, answer))
        return answer

    seams.replace(_APP, "_handle_execute_api_request", handle)


def _target(app: Any, host: str, path: str) -> tuple[str, str, dict[str, Any], str] | None:
    """Name the API, stage and path of a request; None when it is for no HTTP API."""
    parsed = app._parse_execute_api_url(host, path)
    if parsed is None:
        return None
    api_id, tentative, rest = parsed
    stages = seams.load("ministack.services.apigateway").stages_for_api(api_id)
    if not stages:
        return None
    name, route_path = app._resolve_stage_and_path(api_id, tentative, rest)
    return api_id, name, stages.get(name) or {}, route_path


def _values(call: Call, answer: Any) -> dict[str, str]:
    status, headers, body = answer[0], answer[1], answer[2]
    match = seams.load("ministack.services.apigateway")._match_route
    latency = str(round((time.time() - call.started) * 1000))
    moment = time.gmtime(call.started)
    return {
        "apiId": call.api_id,
        "stage": call.stage,
        "requestId": headers.get("apigw-requestid") or uuid4().hex[:16],
        "httpMethod": call.method,
        "path": call.path,
        "routeKey": (match(call.api_id, call.method, call.path) or {}).get("routeKey", "-"),
        "protocol": "HTTP/1.1",
        "status": str(status),
        "responseLength": str(len(body)) if isinstance(body, bytes) else "-",
        "responseLatency": latency,
        "integrationLatency": latency,
        "identity.sourceIp": "127.0.0.1",
        "identity.userAgent": call.user_agent,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", moment),
        "requestTimeEpoch": str(int(call.started * 1000)),
    }


def _log(settings: dict[str, Any], values: dict[str, str]) -> None:
    group = settings["destinationArn"].split(":log-group:")[-1].removesuffix(":*")
    stream = f"{values['apiId']}/{values['stage']}"
    logs.write(group, stream, [render(settings.get("format") or "", values)])
