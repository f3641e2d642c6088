"""A load generator: so many clients in a closed loop, each on a connection that stays open.

One thread, one selector, requests that were made before: it must cost less than what it measures.
"""

from __future__ import annotations

import gc
import selectors
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Self

_READ = 1 << 18
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Load:
    """What clients saw: seconds at the median and at 99 %, answers per second, refusals."""

    p50: float
    p99: float
    rate: float
    answers: int
    refused: int


class Connection:
    """One kept-alive connection; `send` and `receive` are the halves of `ask`."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, request: bytes) -> None:
        """Begin a request."""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """Read what has come; return status and body once the answer is whole."""
        data = self.socket.recv(_READ)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer = self._buffer + data if self._buffer else data
        answer = _whole(self._buffer)
        if answer is not None:
            self._buffer = b""
        return answer

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and wait for its answer."""
        self.send(request)
        while True:
            answer = self.receive()
            if answer is not None:
                return answer


def request_bytes(path: str, body: bytes) -> bytes:
    """Return a POST of JSON as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Accept: */*\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Clients:
    """So many clients of one server, whose connections stay open from turn to turn."""

    def __init__(self, port: int, requests: Sequence[bytes], clients: int) -> None:
        """Connect; the clients ask one of `requests` after the other, again and again."""
        self._connections = [Connection(port) for _ in range(clients)]
        self._requests = cycle(requests)
        self._took: list[float] = []
        self._seconds, self._refused = 0.0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.socket.close()

    def drive(self, seconds: float) -> None:
        """Ask for so long, and wait for the answers to what was asked by then."""
        gc.collect()
        gc.disable()
        try:
            self._drive(seconds)
        finally:
            gc.enable()

    def load(self) -> Load:
        """Return what was seen in all turns."""
        took, answers = self._took, len(self._took)
        rate = answers / self._seconds
        return Load(statistics.median(took), _p99(took), rate, answers, self._refused)

    def _drive(self, seconds: float) -> None:
        clock, asked = time.perf_counter, len(self._connections)
        with selectors.DefaultSelector() as selector:
            for connection in self._connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send(next(self._requests))
            began = now = clock()
            end = began + seconds
            while asked:
                ready = selector.select(_TIMEOUT)
                if not ready:
                    raise TimeoutError(f"no answer in {_TIMEOUT:g} seconds")
                for key, _ in ready:
                    connection = key.data
                    answer = connection.receive()
                    if answer is None:
                        continue
                    now = clock()
                    self._took.append(now - connection.sent)
                    self._refused += answer[0] != 200
                    if now < end:
                        connection.send(next(self._requests))
                    else:
                        asked -= 1
        self._seconds += now - began


def _p99(took: list[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.99))]


def _whole(data: bytes) -> tuple[int, bytes] | None:
    """Return status and body of an answer, or None while a part of it is missing."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    status = int(head[9:12])
    if at >= 0:
        length = int(lower[at + 17 :].split(b"\r\n", 1)[0])
        return (status, body) if len(body) >= length else None
    if b"\r\ntransfer-encoding: chunked" not in lower:
        raise ConnectionError("an answer without a length")
    return (status, _joined(body)) if body.endswith(b"0\r\n\r\n") else None


def _joined(body: bytes) -> bytes:
    parts, rest = [], body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        rest = rest[length + 2 :]
    return b"".join(parts)
