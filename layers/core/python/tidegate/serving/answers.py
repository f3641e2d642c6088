"""Answers: a status and a body that is strict JSON, whatever went wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tidegate.errors import NoReleaseError, TidegateError

# Nobody changes what an answer holds: its headers go out as they are.
JSON: Mapping[str, str] = {"content-type": "application/json", "cache-control": "no-store"}
LONGEST = 300  # characters of a text that a client sent and that is named back to it


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = JSON
    binary: bool = False  # the body is no text

    @property
    def size(self) -> int:
        """Bytes of the body as Lambda counts them: its answer is JSON that holds this body.

        In a text the quotes are escaped, and what is no text is written in base64.
        """
        if self.binary:
            return (len(self.body) + 2) // 3 * 4
        return len(self.body) + self.body.count(b'"')

    def to_event(self) -> dict[str, Any]:
        """Return the form that an HTTP API takes (payload format 2.0)."""
        status, body, headers, binary = self
        text = base64.b64encode(body) if binary else body
        return {
            "statusCode": status,
            "headers": headers,
            "body": text.decode(),
            "isBase64Encoded": binary,
        }


def success(content: dict[str, Any]) -> Answer:
    """Return a 200 with this content."""
    return Answer(200, _dump(content))


def refusal(error: TidegateError, **beside: str | int | bool) -> Answer:
    """Return the answer to an error of ours, with what is worth saying `beside` it.

    Of errors that are not the caller's, only the class is told: their texts name files and keys.
    """
    known = error.status < 500 or isinstance(error, NoReleaseError)
    message = clean(str(error)) if known else "the request could not be answered"
    told = [problem.to_dict() for problem in getattr(error, "problems", ())]
    problems = [{k: clean(v) if isinstance(v, str) else v for k, v in one.items()} for one in told]
    content = {"type": type(error).__name__, "message": message, "problems": problems}
    return Answer(error.status, _dump({**beside, "error": content}))


def failure() -> Answer:
    """Return the answer to an error that nobody foresaw."""
    content = {"type": "InternalError", "message": "the request could not be answered"}
    return Answer(500, _dump({"error": {**content, "problems": []}}))


def clean(text: str) -> str:
    """Return text that is valid UTF-8 and not long.

    >>> clean("a" + chr(0xD800))
    'a?'
    """
    short = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    return short.encode(errors="replace").decode()


def _dump(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
