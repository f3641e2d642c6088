"""A client of the deployed API: requests are signed with SigV4, connections are kept.

records -> POST /models/NAME/predict -> Answer. Reusable by many threads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tidegate_cli.faults import CloudUnreachableError, CommandError

SERVICE = "execute-api"
USUAL = {"content-type": "application/json", "accept": "application/json"}
Records = Sequence[Mapping[str, object]]


class EndpointError(CommandError):
    """The API answered with an error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        """Keep the HTTP `status` and the error's `kind` beside the message."""
        super().__init__(
            f"HTTP {status} {kind}: {message}" if kind else f"HTTP {status}: {message}"
        )
        self.status, self.kind = status, kind
        self.code = {404: 4, 400: 3, 413: 3, 422: 3, 403: 5}.get(status, 1)


@dataclass(frozen=True)
class Answer:
    """What came back: status, JSON body ({} when it is none), and how long it took."""

    status: int
    body: dict[str, Any]
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)

    def raise_for_error(self) -> Answer:
        """Return the answer, or raise `EndpointError` when its status is not 2xx."""
        if 200 <= self.status < 300:
            return self
        error = self.body.get("error", {})
        if not isinstance(error, dict):
            error = {"message": str(error)}
        message = error.get("message") or self.body.get("message") or "no message"
        raise EndpointError(self.status, str(error.get("type", "")), str(message))


class Client:
    """Speaks to one environment's API."""

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials,
        region: str,
        connect: str = "",
        timeout: float = 35.0,
    ) -> None:
        """Sign for `url`; `connect` is the address to open instead (the local cloud has no DNS)."""
        self._url, self._connect = url.rstrip("/"), (connect or url).rstrip("/")
        self._credentials, self._region = credentials, region
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._http = httpx.Client(timeout=timeout, limits=limits, trust_env=not connect)

    def predict(
        self,
        model: str,
        *,
        records: Records | None = None,
        columns: Mapping[str, Sequence[object]] | None = None,
    ) -> Answer:
        """Ask for predictions of `records` (a list of rows) or of `columns` (lists by column)."""
        if (records is None) == (columns is None):
            raise ValueError("give either records or columns")
        payload = {"columns": columns} if records is None else {"records": list(records)}
        return self._post(f"/models/{model}/predict", payload)

    def feedback(self, model: str, items: Records) -> Answer:
        """Give true outcomes: items of receipt, row and label."""
        return self._post(f"/models/{model}/feedback", {"feedback": list(items)})

    def health(self, model: str) -> Answer:
        """Ask which version serves."""
        return self.send("GET", f"/models/{model}")

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        signed: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send anything; unsigned requests show what strangers get."""
        given = {**USUAL, **(headers or {})}
        sent = self._sign(method, path, body, given) if signed else {**given, "host": self._host}
        began = time.monotonic()
        try:
            reply = self._http.request(method, f"{self._connect}{path}", content=body, headers=sent)
        except httpx.TransportError as error:
            kind = type(error).__name__
            raise CloudUnreachableError(f"{method} {self._url}{path}: {kind}: {error}") from error
        return Answer(
            status=reply.status_code,
            body=_json(reply),
            seconds=time.monotonic() - began,
            headers=dict(reply.headers),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _host(self) -> str:
        return httpx.URL(self._url).netloc.decode()

    def _post(self, path: str, payload: object) -> Answer:
        return self.send("POST", path, body=json.dumps(payload, allow_nan=False).encode())

    def _sign(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        request = AWSRequest(
            method=method,
            url=f"{self._url}{path}",
            data=body,
            headers={**headers, "host": self._host},
        )
        # Frozen anew for each request: temporary credentials are renewed behind `_credentials`.
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())


def _json(reply: httpx.Response) -> dict[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {"body": body}
