"""Our handler behind a plain ASGI server: HTTP -> API Gateway's event -> handler -> HTTP."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.benchmarks.serving.handler import Context
from tests.benchmarks.serving.peers.asgi.wire import read_body, send_answer
from tidegate.serving.endpoint import handle

_NUMBERS = count()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Hand every request to the handler."""
    body = await read_body(receive)
    answer = handle(_event(scope, body), Context(f"0f9e8d7c-1111-2222-3333-{next(_NUMBERS):012x}"))
    headers = [(name.encode(), value.encode()) for name, value in answer["headers"].items()]
    await send_answer(send, answer["statusCode"], headers, answer["body"].encode())


def _event(scope: Any, body: bytes) -> dict[str, Any]:
    path, method = scope["path"], scope["method"]
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": scope["query_string"].decode(),
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "requestContext": {"http": {"method": method, "path": path}, "requestId": "local"},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
