"""Our handler behind a plain ASGI server: HTTP -> API Gateway's event -> handler -> HTTP.

It starts as in Lambda, and the event is made before and the answer written after the handler runs.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from itertools import count
from typing import Any

from tests.benchmarks.serving.handler import Context
from tests.benchmarks.serving.peers.asgi.wire import read_body, send_answer

os.environ["LAMBDA_TASK_ROOT"] = os.environ["BENCH_PACKAGE"]
from tidegate.serving.endpoint import handle

_NUMBERS = count()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Hand every request to the handler."""
    event = _event(scope, await read_body(receive))
    answer = handle(event, Context(f"0f9e8d7c-1111-2222-3333-{next(_NUMBERS):012x}"))
    headers = [_encoded(*header) for header in answer["headers"].items()]
    await send_answer(send, answer["statusCode"], headers, answer["body"].encode())


def _event(scope: Any, body: bytes) -> dict[str, Any]:
    path = scope["path"]
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": scope["query_string"].decode(),
        "headers": _headers(tuple(scope["headers"])),
        "requestContext": {"http": {"method": scope["method"], "path": path}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


@lru_cache(maxsize=1024)
def _headers(raw: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in raw}


@cache
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode(), value.encode()
