"""An answer that tells of an error -> the same error here, so that callers catch one tree."""

from __future__ import annotations

from typing import Any

from tidegate.errors import (
    EndpointError,
    InvalidRowsError,
    NoReleaseError,
    NotFoundError,
    PayloadTooLargeError,
    Problem,
    RequestError,
    TidegateError,
)

_OF_A_MESSAGE: tuple[type[TidegateError], ...] = (
    NoReleaseError,
    NotFoundError,
    RequestError,
    *(kind for kind in RequestError.__subclasses__() if kind is not InvalidRowsError),
)
_KNOWN = {kind.__name__: kind for kind in _OF_A_MESSAGE}


def error_of(status: int, body: dict[str, Any]) -> TidegateError:
    """Return the error of an answer; `EndpointError` when it is none that a caller can handle."""
    told = body.get("error")
    error = told if isinstance(told, dict) else {"message": told}
    message = str(error.get("message") or body.get("message") or "no message")
    kind = str(error.get("type") or "")
    problems = _problems(error.get("problems"))
    if kind == InvalidRowsError.__name__ and problems:
        return InvalidRowsError(problems, _total(message, len(problems)))
    if kind in _KNOWN:
        return _KNOWN[kind](message)
    if status == PayloadTooLargeError.status:  # of the gateway, which knows no classes
        return PayloadTooLargeError(message)
    return EndpointError(status, kind, message)


def _problems(found: object) -> list[Problem]:
    if not isinstance(found, list):
        return []
    return [
        Problem(_row(one.get("row")), str(one.get("column", "")), str(one.get("rule", "")))
        for one in found
        if isinstance(one, dict)
    ]


def _row(found: object) -> int:
    return found if type(found) is int else -1


def _total(message: str, listed: int) -> int:
    """Only the first problems are listed; the message begins with the number of all."""
    number = message.partition(" ")[0]
    return int(number) if number.isascii() and number.isdigit() else listed
