"""The two halves of an ASGI exchange: the body in, an answer out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Headers = Iterable[tuple[bytes, bytes]]


async def read_body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    """Return the whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_answer(
    send: Callable[[Any], Awaitable[None]], status: int, headers: Headers, body: bytes
) -> None:
    """Send an answer in one piece."""
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status, "headers": [*headers, length]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
