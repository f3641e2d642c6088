"""The endpoint's end: what was counted since the last flush is printed, if the platform warns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fakes.package import package, unpack
from tests.functions.test_endpoint import SETTINGS
from tidegate.windows.codec import decode_line
from tidegate.windows.loss import lost_requests
from tidegate.windows.values import Window

ROOT = Path(__file__).parents[2]
# The first request is flushed at once; after the last one the runtime waits for another.
PROGRAM = """
import os, signal, sys
from tests.fakes.served import FakeContext, event
missing = os.environ.pop(sys.argv[2], "")
from tidegate.serving import endpoint
os.environ.update({sys.argv[2]: missing} if missing else {})
for _ in range(int(sys.argv[1])):
    endpoint.handle(event('{"records": [{"wind": 1.0, "harbour": "south"}]}'), FakeContext())
print("ready", flush=True)
signal.pause()
"""


class ExtensionsApi(ThreadingHTTPServer):
    """Lambda's API on one machine: takes a registration and never has an event."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.status = status
        self.asked: list[tuple[str, str]] = []
        self.waited = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Asked(BaseHTTPRequestHandler):
    server: ExtensionsApi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Lambda-Extension-Identifier", "e-1")
        self.end_headers()
        self.wfile.write(b'{"functionName": "endpoint"}')

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Lambda-Extension-Identifier"]))
        self.server.waited.set()
        threading.Event().wait()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def api() -> Iterator[ExtensionsApi]:
    server = ExtensionsApi()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ended(
    folder: Path, requests: int, *, api: str, missing: str = "", **changes: str
) -> tuple[int, list[Window]]:
    """Run an endpoint, end it as Lambda does, and return its exit code and windows.

    A variable of the environment that is `missing` is so in the init phase only.
    """
    paths = os.pathsep.join((str(ROOT), str(ROOT / "layers/core/python")))
    env = replace(SETTINGS, **changes).to_env() | {
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_LAMBDA_RUNTIME_API": api,
        "PYTHONPATH": paths,
    }
    command = [sys.executable, "-c", PROGRAM, str(requests), missing]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "ready\n"))
        process.send_signal(signal.SIGTERM)
        lines += process.stdout.readlines()
    windows = [decode_line(line) for line in lines if json.loads(line).get("kind") == "window"]
    return process.returncode, windows


def test_the_last_window_is_printed_when_lambda_ends_the_container(
    tmp_path: Path, api: ExtensionsApi
) -> None:
    code, windows = ended(unpack(package(), tmp_path), 3, api=api.address)
    assert code == 0
    assert [(window.requests, window.earlier) for window in windows] == [(1, 0), (2, 1)]
    assert lost_requests(windows) == 0

    assert api.waited.wait(10)  # else Lambda's init phase would never end
    assert api.asked == [
        ("/2020-01-01/extension/register", '{"events":[]}'),
        ("/2020-01-01/extension/event/next", "e-1"),
    ]


def test_a_container_whose_start_failed_is_warned_as_well(
    tmp_path: Path, api: ExtensionsApi
) -> None:
    folder = unpack(package(), tmp_path)
    code, windows = ended(folder, 3, api=api.address, missing="TIDEGATE_RECEIPT_KEY")
    assert code == 0
    assert [(window.requests, window.errors) for window in windows] == [(1, 0), (2, 0)]


def test_an_empty_window_is_not_printed(tmp_path: Path, api: ExtensionsApi) -> None:
    code, windows = ended(unpack(package(), tmp_path), 1, api=api.address)
    assert (code, len(windows)) == (0, 1)


def test_the_switch_leaves_the_container_unwarned(tmp_path: Path, api: ExtensionsApi) -> None:
    folder = unpack(package(), tmp_path)
    code, windows = ended(folder, 2, api=api.address, flush_at_shutdown="off")
    assert (code, len(windows), api.asked) == (-signal.SIGTERM, 1, [])


@pytest.mark.parametrize("status", [403, 0], ids=["refused", "absent"])
def test_an_endpoint_that_can_not_register_serves_all_the_same(
    tmp_path: Path, api: ExtensionsApi, status: int
) -> None:
    api.status = status
    address = api.address if status else "127.0.0.1:1"
    code, windows = ended(unpack(package(), tmp_path), 2, api=address)
    assert (code, [window.requests for window in windows]) == (-signal.SIGTERM, [1])


def test_before_any_release_there_is_nothing_to_wait_for(
    tmp_path: Path, api: ExtensionsApi
) -> None:
    assert ended(tmp_path, 1, api=api.address) == (-signal.SIGTERM, [])
    assert api.asked == []
