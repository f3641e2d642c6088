"""The serving function: parse -> answer -> count. Imports no SDK: a cold start is paid by a caller.

The log never holds what a request held: an error is told by its class and where it was raised.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tidegate.clock import utc_now
from tidegate.errors import TidegateError
from tidegate.serving.answers import failure, refusal
from tidegate.serving.flushing import flush_text
from tidegate.serving.predictor import Outcome
from tidegate.serving.requests import read_request
from tidegate.serving.service import Service, open_service
from tidegate.settings import Settings


class Context(Protocol):
    """What is used of Lambda's context."""

    aws_request_id: str


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answer one HTTP API event (payload format 2.0), and count it if a client sent it."""
    began, at = time.perf_counter(), utc_now()
    counted = False
    try:
        request = read_request(event)
        counted = request.method == "POST" and not request.probe
        outcome = service().answer(request, id=context.aws_request_id, at=at)
    except TidegateError as error:
        if error.status >= 500 and error.status != 503:
            _report(error, context)
        outcome = Outcome(refusal(error))
    except Exception as error:  # noqa: BLE001  # a caller is owed an answer; it counts as an error
        _report(error, context)
        outcome = Outcome(failure())
    _count(outcome, (time.perf_counter() - began) * 1000, context, counted=counted)
    return outcome.answer.to_event()


@cache
def service() -> Service:
    """Return the container's service, loaded once."""
    settings = Settings.from_env(os.environ)
    folder = settings.package_dir or os.environ.get("LAMBDA_TASK_ROOT", "")
    return open_service(settings, Path(folder))


def _count(outcome: Outcome, milliseconds: float, context: Context, *, counted: bool) -> None:
    """Count an answer and flush when it is time; whatever fails here, the answer goes out."""
    window = None
    try:
        window = service().window
        if window is None:
            return
        if not counted:
            window.warm()
            return
        at = utc_now()
        window.count(outcome, milliseconds=milliseconds, at=at)
        if window.is_due(at, seconds=service().flush_seconds):
            _flush(service(), at, context)
    except Exception as error:  # noqa: BLE001  # counting may fail, the prediction may not
        if window is not None:
            window.forfeit()
        _report(error, context)


def _flush(endpoint: Service, at: datetime, context: Context) -> None:
    window = endpoint.window
    if window is None:
        return
    closed = window.window(id=context.aws_request_id, at=at)
    sys.stdout.write(flush_text(closed, window.latencies, env=endpoint.env))
    sys.stdout.flush()
    window.clear()


def _report(error: Exception, context: Context) -> None:
    """Log an error's class and place, never its text, which may hold a value."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = frame.tb_frame.f_globals.get("__name__", "") if frame else ""
    line = frame.tb_lineno if frame else 0
    content = {
        "kind": "error",
        "level": "ERROR",
        "type": type(error).__name__,
        "at": f"{module}:{line}",
        "request": context.aws_request_id,
    }
    with suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(content) + "\n")


# Lambda's init phase has a full CPU and no caller who waits; anywhere else importing only defines.
if "LAMBDA_TASK_ROOT" in os.environ:
    with suppress(Exception):  # told to the first caller, who gets the reason
        service()
