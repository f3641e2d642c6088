"""From an HTTP API event (payload format 2.0) to its route and the JSON in its body.

Standard library only: the feedback function has nothing else. Repeated keys are refused, because
readers disagree about which of them counts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tidegate.decoding import unique
from tidegate.errors import PayloadTooLargeError, RequestError
from tidegate.frozen import made
from tidegate.serving.content_coding import decode

KNOWN_PATHS = 256  # that are remembered; a container serves one model, whose routes are few
_KNOWN_PLACES: dict[str, tuple[str, str]] = {}


class HttpRequest(NamedTuple):
    """One call: `model` as the path names it ('' if it does not), `route` what follows it."""

    method: str
    path: str
    model: str
    body: str
    is_base64: bool
    headers: Mapping[str, str]  # names in lower case
    route: str
    probe: bool  # asked by a release, not by a client; API Gateway never sets it

    def content(self, *, limit: int) -> bytes:
        """Return the body's bytes, inflated where they are gzip.

        Raises `PayloadTooLargeError` above `limit` of them, `UnsupportedMediaTypeError` for another
        content coding, `RequestError` when the body isn't what it is said to be.
        """
        _, _, _, body, is_base64, headers, _, _ = self
        if len(body) > ((limit + 2) // 3 * 4 if is_base64 else limit):
            raise _too_large(limit)
        try:
            data = base64.b64decode(body, validate=True) if is_base64 else body.encode()
        except UnicodeEncodeError:
            raise RequestError("the body is not valid Unicode") from None
        except ValueError:
            raise RequestError("the body is said to be base64 and is not") from None
        if len(data) > limit:
            raise _too_large(limit)
        coding = headers.get("content-encoding")
        return data if coding is None else decode(data, coding, limit=limit)


def read_request(event: object) -> HttpRequest:
    """Read an event; raise `RequestError` when it is none of an HTTP API."""
    outer: dict[str, Any] = event if isinstance(event, dict) else {}
    try:
        method = outer["requestContext"]["http"]["method"]
    except (KeyError, TypeError, IndexError):
        method = None
    path, body = outer.get("rawPath") or "", outer.get("body") or ""
    if not (isinstance(method, str) and isinstance(path, str) and isinstance(body, str)):
        raise RequestError("this is no HTTP API event of payload format 2.0")
    model, route = _KNOWN_PLACES.get(path) or _place(path)
    is_base64, headers = outer.get("isBase64Encoded") is True, _headers_of(outer.get("headers"))
    found = (method, path, model, body, is_base64, headers, route, "probe" in outer)
    return made(HttpRequest, found)


def _headers_of(found: object) -> Mapping[str, str]:
    """Return an event's headers by names in lower case.

    API Gateway sends all of them so: one that is found tells of the others.
    """
    if not isinstance(found, dict):
        return {}
    if type(found.get("content-type")) is str:
        return found
    return {str(name).lower(): value for name, value in found.items() if isinstance(value, str)}


def _place(path: str) -> tuple[str, str]:
    """Return the model and what follows it: each has routes of its own, without parameters."""
    _, found, rest = path.partition("/models/")
    model, _, route = rest.partition("/")
    place = (model, route) if found else ("", path.strip("/"))
    if len(_KNOWN_PLACES) < KNOWN_PATHS:
        _KNOWN_PLACES[path] = place
    return place


def parse_strictly(body: bytes) -> object:
    """Parse JSON; raise `RequestError` on anything else, on repeated keys and on deep nesting.

    NaN, infinities and numbers beyond float64 are let through as floats, so that whoever knows the
    columns can name the row.
    """
    try:
        return json.loads(body.decode(), parse_int=_integer, object_pairs_hook=unique)
    except RecursionError:
        raise RequestError("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise RequestError(
            "the body is not UTF-8 (a compressed one needs a Content-Encoding)"
        ) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestError(f"the body is not JSON: {error.msg}, {where}") from None
    except ValueError as error:  # of a key that stands twice
        raise RequestError(str(error)) from None


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= 400 else float(text)  # int() takes quadratic time


def _too_large(limit: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"the body may have at most {limit} bytes")
