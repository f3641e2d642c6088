"""One environment's HTTP API: requests are signed, sent over kept connections, and tried again.

Only what can pass by itself is tried again: connections that fail, 429, 502, 503 and 504, with a
growing pause that is partly random. All requests of this API may be repeated: a prediction changes
nothing, and feedback is stored once.
"""

from __future__ import annotations

import gzip
import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import urllib3
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError, InvalidHeader, ReadTimeoutError

from tidegate.client.refusals import error_of
from tidegate.errors import EndpointUnreachableError

SERVICE = "execute-api"
USUAL = {"content-type": "application/json", "accept": "application/json"}
# API Gateway hands a body on as text when its type says so, and a compressed one is none.
PACKED = {"content-encoding": "gzip", "content-type": "application/octet-stream"}
PASSING = (429, 502, 503, 504)
RETRIES = 4
LARGE = 64_000  # bytes from which compressing a body costs less than sending it
CONNECTIONS = 64
LOOPBACK = ".localhost"  # RFC 6761: names below it are this machine, though few resolvers know


class Session(Protocol):
    """What is needed of a `boto3.Session`."""

    @property
    def region_name(self) -> Any:  # noqa: ANN401 - text or None, by boto3's stubs anything
        """The region that is used when a URL names none."""
        ...

    def get_credentials(self) -> Any:  # noqa: ANN401 - botocore's, which has no types
        """Return credentials that renew themselves, or None."""
        ...


@dataclass(frozen=True)
class Answer:
    """What came back: status, JSON body ({} when it is none), and how long it took."""

    status: int
    body: dict[str, Any]
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)

    def raise_for_error(self) -> Answer:
        """Return the answer; raise the error of `tidegate.errors` that it tells of."""
        if 200 <= self.status < 300:
            return self
        raise error_of(self.status, self.body)


class _Retry(urllib3.Retry):
    """No second try after a timeout: the first may still be at work. Odd pauses are none."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None


class Api:
    """Speaks to one environment's API; many threads may share it."""

    def __init__(
        self, url: str, *, session: Session, timeout: float = 35.0, retries: int = RETRIES
    ) -> None:
        """Sign for `url` with the session's credentials.

        `timeout` is how many seconds may pass without a byte of an answer.
        """
        self._url, self._session = url.rstrip("/"), session
        parts = urlsplit(self._url)
        self._host, host = parts.netloc, parts.hostname or ""
        at_home = host.endswith(LOOPBACK)
        self._connect = self._url.replace(host, "127.0.0.1", 1) if at_home else self._url
        self._region = _region(host) or session.region_name
        self._pool = _pool(parts.scheme, "" if at_home else host)
        self._timeout = urllib3.Timeout(connect=5.0, read=timeout)
        self._retry = _Retry(
            total=retries,
            redirect=False,
            status_forcelist=PASSING,
            allowed_methods=None,
            raise_on_status=False,
            backoff_factor=0.2,
            backoff_jitter=0.2,
            backoff_max=10.0,
            retry_after_max=30,
        )

    def predict(
        self,
        model: str,
        *,
        records: Sequence[Mapping[str, object]] | None = None,
        columns: Mapping[str, Sequence[object]] | None = None,
    ) -> Answer:
        """Ask for predictions of `records` (a list of rows) or of `columns` (lists by column)."""
        if (records is None) == (columns is None):
            raise ValueError("give either records or columns")
        payload = {"columns": columns} if records is None else {"records": list(records)}
        return self.post(f"/models/{model}/predict", payload, gzipped=True)

    def feedback(self, model: str, items: Sequence[Mapping[str, object]]) -> Answer:
        """Give true outcomes: items of receipt, row and label (or rows and labels)."""
        return self.post(f"/models/{model}/feedback", {"feedback": list(items)})

    def health(self, model: str) -> Answer:
        """Ask which version serves."""
        return self.send("GET", f"/models/{model}")

    def post(self, path: str, payload: object, *, gzipped: bool = False) -> Answer:
        """Post JSON; `gzipped` when it is large and the route takes that, as `predict` does.

        Raises `ValueError` on NaN and infinities.
        """
        body = encode(payload)
        if not gzipped or len(body) < LARGE:
            return self.send("POST", path, body=body)
        packed = gzip.compress(body, compresslevel=1, mtime=0)
        return self.send("POST", path, body=packed, headers=PACKED)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        signed: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send anything; unsigned requests show what strangers get.

        Raises `EndpointUnreachableError` when no answer came.
        """
        given = {**USUAL, **(headers or {}), "host": self._host}
        sent = self._sign(method, path, body, given) if signed else given
        began = time.monotonic()
        try:
            reply = self._pool.request(
                method,
                f"{self._connect}{path}",
                body=body,
                headers=sent,
                timeout=self._timeout,
                retries=self._retry,
            )
        except HTTPError as error:
            kind = type(error).__name__
            raise EndpointUnreachableError(f"{method} {self._url}{path}: {kind}: {error}") from None
        return Answer(reply.status, _json(reply), time.monotonic() - began, dict(reply.headers))

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sign(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        credentials = self._session.get_credentials()
        if credentials is None or not self._region:
            missing = "no AWS credentials" if credentials is None else "no AWS region"
            raise EndpointUnreachableError(f"{missing}: run aws configure, or set AWS_PROFILE")
        request = AWSRequest(
            method=method, url=f"{self._url}{path}", data=body, headers=dict(headers)
        )
        # Frozen anew for each request: temporary credentials are renewed behind the session.
        SigV4Auth(credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())


def encode(payload: object) -> bytes:
    """Return JSON; numpy's numbers are numbers, NaN and infinities raise `ValueError`."""
    try:
        text = json.dumps(payload, allow_nan=False, default=_plain, separators=(",", ":"))
    except ValueError:
        raise ValueError("a value is NaN or infinite; null is written as None") from None
    return text.encode()


def local_url(url: str, endpoint: str) -> str:
    """Return where an emulator at `endpoint` serves the API that AWS would serve at `url`.

    >>> local_url("https://a1b2.execute-api.eu-west-1.amazonaws.com", "http://127.0.0.1:4566")
    'http://a1b2.execute-api.localhost:4566'
    """
    api = (urlsplit(url).hostname or "").partition(".")[0]
    return f"http://{api}.{SERVICE}{LOOPBACK}:{urlsplit(endpoint).port}"


def _pool(scheme: str, host: str) -> urllib3.PoolManager:
    """Return connections to a host, through the proxy that the process environment names."""
    proxies = urllib.request.getproxies()
    if host and scheme in proxies and not urllib.request.proxy_bypass(host):
        return urllib3.ProxyManager(proxies[scheme], maxsize=CONNECTIONS)
    return urllib3.PoolManager(maxsize=CONNECTIONS)


def _region(host: str) -> str:
    """Return the region in API Gateway's own host names; of others, nothing.

    >>> _region("a1b2c3.execute-api.eu-west-1.amazonaws.com"), _region("api.example.org")
    ('eu-west-1', '')
    """
    _, found, rest = host.partition(f".{SERVICE}.")
    region, _, domain = rest.partition(".")
    return region if found and domain.startswith("amazonaws.com") else ""


def _plain(value: object) -> object:
    """Return a number of numpy as Python's; it is the same number."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"a value of type {type(value).__name__} has no form in JSON")
    return item()


def _json(reply: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        body = json.loads(reply.data)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {"body": body}
