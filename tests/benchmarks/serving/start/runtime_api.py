"""A small Runtime API server: hands out one event, takes the answer, and notes when.

The protocol is Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime"
EXTENSIONS = "/2020-01-01/extension"
_REQUEST = "0f9e8d7c-1111-2222-3333-444455556666"


@dataclass
class Seen:
    """When the function asked for its first event and when it answered, by `perf_counter`."""

    asked: float = 0.0
    answered: float = 0.0
    answer: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    done: threading.Event = field(default_factory=threading.Event)


class RuntimeApi(ThreadingHTTPServer):
    """Serves one function."""

    daemon_threads = True

    def __init__(self, event: Mapping[str, Any]) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.event, self.seen = json.dumps(event).encode(), Seen()

    @property
    def place(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API names them."""
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def serving(event: Mapping[str, Any]) -> Iterator[RuntimeApi]:
    """Serve while the block runs."""
    server = RuntimeApi(event)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        seen = self.server.seen
        if self.path == f"{EXTENSIONS}/event/next":
            threading.Event().wait(60)  # the container's end is not played
        elif self.path != f"{PREFIX}/invocation/next":
            self._say(404)
        elif seen.asked:  # an idle function waits here until it is ended
            seen.done.wait()
            threading.Event().wait(60)
        else:
            seen.asked = time.perf_counter()
            self._say(200, self.server.event, _next_headers())

    def do_POST(self) -> None:
        seen = self.server.seen
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == f"{EXTENSIONS}/register":
            self._say(200, b"{}", {"Lambda-Extension-Identifier": "e-1"})
            return
        if self.path == f"{PREFIX}/invocation/{_REQUEST}/response":
            seen.answered = time.perf_counter()
            seen.answer = json.loads(content)
        else:
            seen.fault = f"{self.path}: {content.decode(errors='replace')[:500]}"
        seen.done.set()
        self._say(202)

    def _say(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        """Serve one connection; a function that was ended closes it in the middle."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _next_headers() -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": _REQUEST,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 30) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
    }
