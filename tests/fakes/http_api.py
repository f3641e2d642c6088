"""An HTTP API around the serving code: a WSGI application, and a server of it on a local port.

Bodies become events as API Gateway makes them: text of the text types, base64 of all others.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.fakes.served import AT, CONTRACT, SERVED, predictor
from tidegate.contract import Contract
from tidegate.errors import NoReleaseError, TidegateError
from tidegate.serving.refusing import refusal_to
from tidegate.serving.requests import read_request
from tidegate.serving.service import Service

SIGNED = "AWS4-HMAC-SHA256"
TEXTS = ("application/json", "application/xml", "application/javascript")
Event = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]


def serving(contract: Contract = CONTRACT) -> Service:
    return Service("dev", contract.model, SERVED, predictor(contract))


def unreleased() -> Service:
    return Service("dev", CONTRACT.model, fault=NoReleaseError("no version has been released yet"))


def answer(service: Service, event: Event) -> Event:
    """Answer an event as the function does; what nobody foresaw is raised."""
    try:
        found = service.answer(read_request(event), id="q1", at=AT).answer
    except TidegateError as error:
        found = refusal_to(event, error)
    return found.to_event()


def application(service: Service) -> Callable[[Event, Start], Iterable[bytes]]:
    """Return the WSGI application."""

    def run(environ: Event, start: Start) -> Iterable[bytes]:
        if environ.get("HTTP_AUTHORIZATION") != SIGNED:  # as API Gateway refuses strangers
            found = {"statusCode": 403, "headers": {"content-type": "application/json"}}
            found |= {"body": '{"message":"Forbidden"}', "isBase64Encoded": False}
        else:
            found = answer(service, event_of(environ))
        body = found["body"]
        data = base64.b64decode(body) if found["isBase64Encoded"] else body.encode()
        headers = [*found["headers"].items(), ("content-length", str(len(data)))]
        status = HTTPStatus(found["statusCode"])
        start(f"{status.value} {status.phrase}", headers)
        return [data]

    return run


def event_of(environ: Event) -> Event:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    if kind := environ.get("CONTENT_TYPE"):
        headers["content-type"] = kind
    event: Event = {
        "rawPath": environ["PATH_INFO"],
        "headers": headers,
        "requestContext": {"http": {"method": environ["REQUEST_METHOD"]}},
    }
    return event | _content(body, headers.get("content-type", ""))


def _content(body: bytes, kind: str) -> Event:
    name = kind.partition(";")[0].strip().lower()
    if name in TEXTS or name.startswith("text/"):
        return {"body": body.decode(errors="replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def get_environ(self) -> Event:
        """Take every request for a signed one: the clients of these tests can't sign."""
        kind = self.headers.get("content-type", "")  # the standard library makes none text/plain
        return {**super().get_environ(), "HTTP_AUTHORIZATION": SIGNED, "CONTENT_TYPE": kind}


@contextmanager
def listening(service: Service) -> Iterator[str]:
    """Serve on a free local port; yield host and port."""
    server: WSGIServer = make_server("127.0.0.1", 0, application(service), handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
