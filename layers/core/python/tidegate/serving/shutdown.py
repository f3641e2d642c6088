"""Shutdown: hear of a container's end, so that what it has counted is printed.

Lambda sends SIGTERM to a runtime only when an extension is registered. An internal one that asks
for no event is enough: it delays no request, and the runtime then has 500 ms. Python's runtime
hears signals while it waits since 3.12. Source: "Using the Lambda Extensions API", Lambda Developer
Guide, and aws-samples/graceful-shutdown-with-aws-lambda.
"""

from __future__ import annotations

import os
import signal
import threading

# `socket` and `http.client` take longer to import than everything that is done here.
from _socket import AF_INET, SOCK_STREAM, socket
from collections.abc import Callable
from types import FrameType

NAME = "tidegate-flush"
TIMEOUT = 1.0  # seconds; the API is on the same machine
_ROOT = "/2020-01-01/extension"


def at_shutdown(act: Callable[[], None], *, api: str) -> None:
    """Have `act` done when Lambda ends this container; `api` is its `host:port`.

    To be called from the main thread in the init phase. Raises `OSError` when the API does not take
    the registration; the container is then ended without a word.
    """
    identifier = _register(api)

    def end(_number: int, _frame: FrameType | None) -> None:
        try:
            act()
        finally:
            os._exit(0)  # the runtime waits in a thread that nobody can end

    signal.signal(signal.SIGTERM, end)
    # The init phase lasts until each extension asks for its next event. None ever comes.
    connection = _ask("GET", "event/next", api, f"Lambda-Extension-Identifier: {identifier}")
    threading.Thread(target=_wait, args=(connection,), daemon=True).start()


def _register(api: str) -> str:
    """Register; return who we are from now on."""
    name = f"Lambda-Extension-Name: {NAME}"
    connection = _ask("POST", "register", api, name, body=b'{"events":[]}')
    head, _, _ = _read(connection).partition(b"\r\n\r\n")
    connection.close()
    status, *headers = head.decode("latin-1").split("\r\n")
    known = {key.lower(): value.strip() for key, _, value in (h.partition(":") for h in headers)}
    if " 200" not in status[:13]:
        raise OSError(f"the Extensions API answered {status[:100]!r}")
    if "lambda-extension-identifier" not in known:
        raise OSError("the Extensions API gave no identifier")
    return known["lambda-extension-identifier"]


def _ask(method: str, path: str, api: str, header: str, *, body: bytes = b"") -> socket:
    """Send a request; return the connection, which ends with the answer."""
    host, _, port = api.rpartition(":")
    connection = socket(AF_INET, SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    connection.connect((host, int(port)))
    more = (header, "Connection: close", f"Content-Length: {len(body)}")
    lines = (f"{method} {_ROOT}/{path} HTTP/1.1", f"Host: {api}", *more, "", "")
    connection.sendall("\r\n".join(lines).encode("latin-1") + body)
    return connection


def _read(connection: socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def _wait(connection: socket) -> None:
    connection.settimeout(None)
    _read(connection)
