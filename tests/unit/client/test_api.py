"""The API's client: signed as AWS wants it, tried again when that helps, errors of our tree."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tidegate.client import Answer, Api, Client
from tidegate.client.api import LARGE
from tidegate.errors import (
    EndpointError,
    EndpointUnreachableError,
    InvalidRowsError,
    NoReleaseError,
    PayloadTooLargeError,
    Problem,
    TidegateError,
)

KEYS = Credentials("AKIDEXAMPLE", "secret", "token")
OK = (200, b'{"version": 2}')


class FakeSession:
    """A `boto3.Session` with keys, a region and one SSM parameter."""

    region_name: str | None = "us-east-1"
    keys: Credentials | None = KEYS

    def __init__(self, url: str = "", endpoint: str = "https://ssm.amazonaws.com") -> None:
        self._url, self._endpoint = url, endpoint

    def get_credentials(self) -> Credentials | None:
        return self.keys

    def client(self, service: str) -> Any:
        def get_parameter(*, Name: str) -> Any:  # noqa: N803
            assert (service, Name) == ("ssm", "/tidegate/prod/api-url")
            return {"Parameter": {"Value": self._url}}

        meta = SimpleNamespace(endpoint_url=self._endpoint)
        return SimpleNamespace(get_parameter=get_parameter, meta=meta)


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]]
    wait: Callable[[], bool]
    extra: dict[str, str]
    replies: list[tuple[int, bytes]]  # the last one is repeated; status 0 breaks the connection

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.seen.append({"path": self.path, "headers": headers, "body": body})
        self.wait()
        status, content = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        for header in {"content-length": str(len(content)), **self.extra}.items():
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left before their answer."""


@pytest.fixture
def url() -> Iterator[str]:
    Recorder.seen, Recorder.replies, Recorder.wait = [], [OK], staticmethod(lambda: True)
    Recorder.extra = {}
    with Server(("127.0.0.1", 0), Recorder) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://abc123.execute-api.localhost:{found.server_address[1]}"
        found.shutdown()
        thread.join()


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    with Api(url, session=FakeSession()) as found:
        found._retry = found._retry.new(backoff_factor=0, backoff_jitter=0)
        yield found


def test_a_request_is_signed_for_the_api_and_sent_to_this_machine(url: str, api: Api) -> None:
    answer = api.predict("iris", records=[{"x": 1}])
    assert (answer.status, answer.body) == (200, {"version": 2})
    got = Recorder.seen[0]
    assert got["path"] == "/models/iris/predict"
    assert got["headers"]["host"] == url.removeprefix("http://")
    assert json.loads(got["body"]) == {"records": [{"x": 1}]}
    assert "/us-east-1/execute-api/aws4_request" in got["headers"]["authorization"]
    assert got["headers"]["x-amz-security-token"] == "token"


def test_the_signature_is_that_of_what_arrived(url: str, api: Api) -> None:
    api.feedback("iris", [{"receipt": "r", "row": 0, "label": "yes"}])
    got = Recorder.seen[0]["headers"]
    signed = got["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    again = AWSRequest(
        method="POST",
        url=f"{url}/models/iris/feedback",
        data=Recorder.seen[0]["body"],
        headers={name: got[name] for name in signed},
    )
    again.context["timestamp"] = got["x-amz-date"]
    auth = SigV4Auth(KEYS.get_frozen_credentials(), "execute-api", "us-east-1")
    text = auth.string_to_sign(again, auth.canonical_request(again))
    assert got["authorization"].endswith(f"Signature={auth.signature(text, again)}")


def test_strangers_send_no_signature(url: str, api: Api) -> None:
    api.send("GET", "/models/iris", signed=False)
    headers = Recorder.seen[0]["headers"]
    assert "authorization" not in headers
    assert headers["host"] == url.removeprefix("http://")


def test_many_threads_may_share_it(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api.predict("iris", records=[{"x": n}]), range(40)))
    assert {answer.status for answer in answers} == {200}
    assert len(Recorder.seen) == 40


def test_a_large_body_is_compressed(api: Api) -> None:
    api.predict("iris", columns={"x": ["a" * LARGE]})
    api.predict("iris", columns={"x": ["a"]})
    api.feedback("iris", [{"receipt": "a" * LARGE}])  # its function takes no compressed body
    large, *others = Recorder.seen
    assert large["headers"]["content-encoding"] == "gzip"
    assert large["headers"]["content-type"] == "application/octet-stream"
    assert json.loads(gzip.decompress(large["body"])) == {"columns": {"x": ["a" * LARGE]}}
    assert ["content-encoding" in got["headers"] for got in others] == [False, False]


@pytest.mark.parametrize("status", [429, 502, 503, 504, 0])
def test_what_can_pass_is_tried_again(api: Api, status: int) -> None:
    Recorder.replies = [(status, b"{}"), (status, b"{}"), OK]
    assert api.predict("iris", records=[]).status == 200
    assert len({got["body"] for got in Recorder.seen}) == 1
    assert len(Recorder.seen) == 3


def test_a_pause_that_cannot_be_read_is_none(api: Api) -> None:
    Recorder.replies, Recorder.extra = [(503, b"{}"), OK], {"retry-after": "soon"}
    assert api.predict("iris", records=[]).status == 200


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 500])
def test_what_cannot_pass_is_not_tried_again(api: Api, status: int) -> None:
    Recorder.replies = [(status, b"{}"), OK]
    assert api.predict("iris", records=[]).status == status
    assert len(Recorder.seen) == 1


def test_the_last_answer_is_told_when_trying_again_did_not_help(api: Api) -> None:
    Recorder.replies = [(503, b'{"message": "Service Unavailable"}')]
    answer = api.predict("iris", records=[])
    assert (answer.status, len(Recorder.seen)) == (503, 5)


def test_an_answer_that_never_comes_is_not_asked_for_twice(url: str) -> None:
    ended = threading.Event()
    Recorder.wait = staticmethod(ended.wait)
    with (
        Api(url, session=FakeSession(), timeout=0.05) as api,
        pytest.raises(EndpointUnreachableError, match="ReadTimeoutError"),
    ):
        api.health("iris")
    ended.set()
    assert len(Recorder.seen) == 1


def test_nobody_at_the_address_is_said_in_one_line() -> None:
    with (
        Api("http://127.0.0.1:9", session=FakeSession(), retries=0) as lost,
        pytest.raises(EndpointUnreachableError, match="refused") as raised,
    ):
        lost.health("iris")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("missing", ["keys", "region_name"])
def test_without_credentials_or_region_it_says_what_to_do(url: str, missing: str) -> None:
    session = FakeSession()
    setattr(session, missing, None)
    with Api(url, session=session) as api, pytest.raises(EndpointUnreachableError, match="aws con"):
        api.health("iris")


def test_the_region_of_a_host_name_goes_before_that_of_the_session() -> None:
    api = Api("https://a1.execute-api.eu-west-1.amazonaws.com", session=FakeSession())
    sent = api._sign("GET", "/models/iris", b"", {"host": "a1"})
    assert "/eu-west-1/execute-api/" in sent["Authorization"]


@pytest.mark.parametrize(
    ("status", "content", "kind", "text"),
    [
        (422, b'{"error": {"type": "InvalidRowsError", "message": "no"}}', EndpointError, "no"),
        (403, b'{"message": "Forbidden"}', EndpointError, "HTTP 403: Forbidden"),
        (413, b'{"message": "Request Too Long"}', PayloadTooLargeError, "Too Long"),
        (500, b'{"error": "odd"}', EndpointError, "HTTP 500: odd"),
        (400, b"<html>", EndpointError, "HTTP 400: no message"),
        (400, b"\xff", EndpointError, "HTTP 400: no message"),
        (400, b"[" * 100_000, EndpointError, "HTTP 400: no message"),
        (501, b'{"error": {"type": "OSError", "message": "x"}}', EndpointError, "HTTP 501 OSError"),
    ],
)
def test_an_error_answer_raises_the_error_that_it_names(
    api: Api, status: int, content: bytes, kind: type[TidegateError], text: str
) -> None:
    Recorder.replies = [(status, content)]
    with pytest.raises(kind, match=text):
        api.health("iris").raise_for_error()


def test_problems_of_rows_come_back_with_their_number() -> None:
    problem = {"row": 7, "column": "wind", "rule": "at most 60"}
    error = {"type": "InvalidRowsError", "message": "31 problem(s); first", "problems": [problem]}
    with pytest.raises(InvalidRowsError) as raised:
        Answer(422, {"error": error}, 0.1).raise_for_error()
    assert (raised.value.problems, raised.value.total) == ((Problem(7, "wind", "at most 60"),), 31)


def test_no_release_yet_is_an_error_of_its_own() -> None:
    error = {"type": "NoReleaseError", "message": "none yet", "problems": []}
    with pytest.raises(NoReleaseError, match="none yet"):
        Answer(503, {"error": error}, 0.1).raise_for_error()


def test_a_good_answer_is_passed_on() -> None:
    answer = Answer(200, {"a": 1}, 0.1)
    assert answer.raise_for_error() is answer


def test_rows_and_columns_at_once_are_a_mistake_of_the_caller(api: Api) -> None:
    with pytest.raises(ValueError, match="either records or columns"):
        api.predict("iris")


def test_nan_is_refused_before_it_is_sent(api: Api) -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        api.predict("iris", records=[{"x": float("nan")}])
    with pytest.raises(TypeError, match="type object"):
        api.predict("iris", records=[{"x": object()}])
    assert Recorder.seen == []


def session_on_aws(url: str) -> FakeSession:
    return FakeSession(url)


def session_of_an_emulator(url: str) -> FakeSession:
    port = url.rpartition(":")[2]
    return FakeSession(
        "https://abc123.execute-api.us-east-1.amazonaws.com", f"http://127.0.0.1:{port}"
    )


@pytest.mark.parametrize("session_of", [session_on_aws, session_of_an_emulator])
def test_a_client_finds_an_environment_by_its_name(
    url: str, session_of: Callable[[str], FakeSession]
) -> None:
    body = {"model": "iris", "version": 2, "release": "r-2", "receipt": "x.y"}
    Recorder.replies = [(200, json.dumps({**body, "predictions": [{"value": 1.5}]}).encode())]
    with Client("prod", "iris", session=session_of(url)) as client:
        (found,) = client.predict([{"x": 1}])
    assert (found.value, found.receipt, found.label) == (1.5, "x.y", None)
    assert Recorder.seen[0]["path"] == "/models/iris/predict"
    assert Recorder.seen[0]["headers"]["host"] == url.removeprefix("http://")
