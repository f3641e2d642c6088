"""A bare ASGI function around the limit: no peer, but what the server itself takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.benchmarks.serving.limits import Limit
from tests.benchmarks.serving.peers.asgi.wire import read_body, send_answer

_LIMIT = Limit(Path(os.environ["BENCH_PACKAGE"]))
_JSON = ((b"content-type", b"application/json"),)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Take every request for records and answer it."""
    await send_answer(send, 200, _JSON, _LIMIT.answer(await read_body(receive)))
