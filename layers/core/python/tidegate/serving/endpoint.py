"""The serving function: parse -> answer -> count. Imports no SDK: a cold start is paid by a caller.

The log never holds what a request held: an error is told by its class and where it was raised.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from functools import cache
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Protocol

from tidegate.errors import SettingsError, TidegateError
from tidegate.serving.cold_start import resume  # before numpy, which the next line imports
from tidegate.serving.flushing import flush_text
from tidegate.serving.predictor import Outcome
from tidegate.serving.refusing import failure_to, refusal_to
from tidegate.serving.requests import read_request
from tidegate.serving.service import Service, open_service, unloaded
from tidegate.settings import Settings

if TYPE_CHECKING:
    from tidegate.serving.weights import ModelSource


class Context(Protocol):
    """What is used of Lambda's context."""

    aws_request_id: str


_opened: list[Service] = []  # the container's service, once it is loaded


def handle(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answer one HTTP API event (payload format 2.0), and count it if a client sent it."""
    began, at = perf_counter(), time()
    counted, endpoint = False, None
    try:
        request = read_request(event)
        counted = request.method == "POST" and not request.probe
        endpoint = _opened[0] if _opened else service()
        outcome = endpoint.answer(request, id=context.aws_request_id, at=at)
    except TidegateError as error:
        if error.status >= 500 and error.status != 503:
            _report(error, context)
        outcome = Outcome(refusal_to(event, error))
    except Exception as error:  # noqa: BLE001  # a caller is owed an answer; it counts as an error
        _report(error, context)
        outcome = Outcome(failure_to(event))
    milliseconds = (perf_counter() - began) * 1e3
    _count(endpoint, outcome, milliseconds, context, at=at if counted else None)
    return outcome.answer.to_event()


def service() -> Service:
    """Return the container's service, loaded once."""
    if not _opened:
        settings = Settings.from_env(os.environ)
        folder = settings.package_dir or os.environ.get("LAMBDA_TASK_ROOT", "")
        memory = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"))
        _opened.append(open_service(settings, folder, open_source=_open_source, memory_mb=memory))
    return _opened[0]


def _open_source(settings: Settings) -> ModelSource:
    """Return where a model lies that is too large for its package."""
    # An adapter, and with it the SDK, is imported by nobody else here: it costs 200 ms.
    from tidegate.aws.model_source import open_source

    return open_source(settings)


@cache
def _unloaded() -> Service | None:
    """Return what counts requests for which the service couldn't be loaded; None: not even that."""
    with suppress(SettingsError):  # which was reported
        return unloaded(Settings.from_env(os.environ))
    return None


def _count(
    endpoint: Service | None,
    outcome: Outcome,
    milliseconds: float,
    context: Context,
    *,
    at: float | None,
) -> None:
    """Count an answer to what came `at` a time, and flush when it is due.

    Whatever fails here, the answer goes out. Without a time it only warmed the container.
    """
    window = None
    try:
        if endpoint is None and at is not None:  # its load is not tried again for one request
            endpoint = _unloaded()
        window = endpoint.window if endpoint else None
        if endpoint is None or window is None:
            return
        if at is None:
            window.warm()
            return
        id = context.aws_request_id
        if window.count(outcome, milliseconds=milliseconds, at=at, id=id):
            _flush(endpoint, at, id=id)
    except Exception as error:  # noqa: BLE001  # counting may fail, the prediction may not
        if window is not None:
            window.forfeit()
        _report(error, context)


def _flush(endpoint: Service, at: float, *, id: str) -> None:
    window = endpoint.window
    if window is None:
        return
    sys.stdout.write(flush_text(window.close(id=id, at=at), env=endpoint.env))
    window.clear()  # the stream has it, and goes on with it if it can't pass it on now
    sys.stdout.flush()


def _flush_at_shutdown() -> None:
    """Have the last window printed when Lambda ends the container; else it ends without a word."""
    api = os.environ.get("AWS_LAMBDA_RUNTIME_API")
    if not api or Settings.from_env(os.environ).flush_at_shutdown != "on":
        return
    if _opened and service().window is None:  # nothing was released
        return
    from tidegate.serving.shutdown import at_shutdown

    def flush() -> None:
        window = service().window if _opened else None
        if window and window.requests:
            closed = window.close(id="shutdown", at=time())
            # Past the buffer: the signal may have come in the middle of a print.
            os.write(1, flush_text(closed, env=service().env).encode())

    with suppress(OSError):
        at_shutdown(flush, api=api)


def _begin_afresh_when_restored() -> None:
    """Have every copy of this container (SnapStart) begin with a window of its own.

    Nothing else of a start is shared: ids and times come with each request, and the client that may
    have fetched the model is gone. A copy can't register as an extension, so that it hears of no
    shutdown; it reports by the minute.
    """
    # A module of Lambda's runtime.
    from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found]

    def begin() -> None:
        if _opened and (window := service().window):
            window.clear()

    register_after_restore(begin)


def _report(error: Exception, context: Context) -> None:
    """Log an error's class and place, not its text, which may hold a value of the request.

    Only a setting that is missing or wrong is named: that text comes from the environment alone.
    """
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
    if isinstance(error, SettingsError):
        content["message"] = str(error)
    with suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(content) + "\n")


# Lambda's init phase has a full CPU and no caller who waits; anywhere else importing only defines.
if "LAMBDA_TASK_ROOT" in os.environ:
    with suppress(Exception):  # tried again for the first caller
        service()
    with suppress(Exception):
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _begin_afresh_when_restored()
        else:
            _flush_at_shutdown()
    resume()
