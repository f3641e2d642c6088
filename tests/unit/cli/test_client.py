"""The client: signed as AWS wants it, sent where it was told, errors in words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tidegate_cli.client import Answer, Client, EndpointError
from tidegate_cli.faults import CloudUnreachableError

KEYS = Credentials("AKIDEXAMPLE", "secret", "token")
URL = "http://abc123.execute-api.localhost:4566"


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]]
    reply: tuple[int, bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.seen.append({"path": self.path, "headers": headers, "body": body})
        status, content = self.reply
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Recorder.seen, Recorder.reply = [], (200, b'{"version": 2}')
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def client(server: ThreadingHTTPServer) -> Iterator[Client]:
    connect = f"http://127.0.0.1:{server.server_address[1]}"
    with Client(URL, credentials=KEYS, region="us-east-1", connect=connect) as found:
        yield found


def test_a_request_is_signed_for_the_api_and_sent_to_the_local_address(client: Client) -> None:
    answer = client.predict("iris", records=[{"x": 1}])
    assert (answer.status, answer.body) == (200, {"version": 2})
    got = Recorder.seen[0]
    assert got["path"] == "/models/iris/predict"
    assert got["headers"]["host"] == "abc123.execute-api.localhost:4566"
    assert json.loads(got["body"]) == {"records": [{"x": 1}]}
    assert "/us-east-1/execute-api/aws4_request" in got["headers"]["authorization"]
    assert got["headers"]["x-amz-security-token"] == "token"


def test_the_signature_is_that_of_what_arrived(client: Client) -> None:
    client.feedback("iris", [{"receipt": "r", "row": 0, "label": "yes"}])
    got = Recorder.seen[0]["headers"]
    signed = got["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    again = AWSRequest(
        method="POST",
        url=f"{URL}/models/iris/feedback",
        data=Recorder.seen[0]["body"],
        headers={name: got[name] for name in signed},
    )
    again.context["timestamp"] = got["x-amz-date"]
    auth = SigV4Auth(KEYS.get_frozen_credentials(), "execute-api", "us-east-1")
    text = auth.string_to_sign(again, auth.canonical_request(again))
    assert got["authorization"].endswith(f"Signature={auth.signature(text, again)}")


def test_strangers_send_no_signature(client: Client) -> None:
    client.send("GET", "/models/iris", signed=False)
    headers = Recorder.seen[0]["headers"]
    assert "authorization" not in headers
    assert headers["host"] == "abc123.execute-api.localhost:4566"


def test_many_threads_may_share_it(client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.predict("iris", records=[{"x": n}]), range(40)))
    assert {answer.status for answer in answers} == {200}
    assert len(Recorder.seen) == 40


@pytest.mark.parametrize(
    ("status", "content", "text", "code"),
    [
        (
            422,
            b'{"error": {"type": "InvalidRowsError", "message": "row 0"}}',
            "InvalidRowsError",
            3,
        ),
        (403, b'{"message": "Forbidden"}', "HTTP 403: Forbidden", 5),
        (503, b'{"error": {"type": "NoReleaseError", "message": "none yet"}}', "none yet", 1),
        (502, b"<html>", "HTTP 502: no message", 1),
        (500, b'{"error": "odd"}', "HTTP 500: odd", 1),
    ],
)
def test_an_error_answer_raises_with_type_message_and_exit_code(
    client: Client, status: int, content: bytes, text: str, code: int
) -> None:
    Recorder.reply = (status, content)
    with pytest.raises(EndpointError, match=text) as raised:
        client.health("iris").raise_for_error()
    assert (raised.value.status, raised.value.code) == (status, code)


def test_nobody_at_the_address_is_said_in_one_line() -> None:
    with (
        Client(URL, credentials=KEYS, region="us-east-1", connect="http://127.0.0.1:9") as lost,
        pytest.raises(CloudUnreachableError, match="ConnectError"),
    ):
        lost.health("iris")


def test_a_good_answer_is_passed_on() -> None:
    answer = Answer(200, {"a": 1}, 0.1)
    assert answer.raise_for_error() is answer


def test_rows_and_columns_at_once_are_a_mistake_of_the_caller(client: Client) -> None:
    with pytest.raises(ValueError, match="either records or columns"):
        client.predict("iris")
