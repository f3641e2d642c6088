"""Bootstrap: what AWS's Python runtime does around a handler; runs inside a worker, as a script.

load handler -> { read one invocation -> call -> mark the end of its log -> write one answer }

Invocations arrive as JSON lines on standard input. Answers leave on a private copy of standard
output, whose number is then given to standard error: whatever a handler or a C library prints is
log, as on AWS. The end mark tells the server that every line of this invocation has been read.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TextIO

END_MARK = "\x1e"


class Context:
    """The context object a handler receives, with the names AWS gives it."""

    def __init__(self, call: dict[str, Any]) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.aws_request_id: str = call["request_id"]
        self.invoked_function_arn: str = call["arn"]
        self.identity = None
        self.client_context = None
        self._deadline: float = time.time() + call["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the invocation is stopped."""
        return max(0, int((self._deadline - time.time()) * 1000))


class LogHandler(logging.Handler):
    """The root handler AWS installs: tab-separated text, or JSON where the function asks for it."""

    request_id = ""
    json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one line; in text, line breaks become carriage returns, as on AWS."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = self.format(record)
        if self.json:
            entry = {
                "timestamp": f"{stamp}Z",
                "level": record.levelname,
                "message": text,
                "logger": record.name,
                "requestId": self.request_id,
            }
            sys.stdout.write(f"{json.dumps(entry)}\n")
            return
        prefix = f"[{record.levelname}]\t{stamp}.{int(record.msecs):03d}Z\t{self.request_id}"
        line = text.replace("\n", "\r")
        sys.stdout.write(f"{prefix}\t{line}\n")


def main() -> None:
    """Serve invocations until standard input closes."""
    answers = _claim_output()
    setup = json.loads(sys.stdin.readline())
    sys.path[0:0] = setup["paths"]
    sys.path.extend(setup["runtime"])
    handler_log = LogHandler()
    logging.getLogger().addHandler(handler_log)
    if handler_log.json:
        logging.getLogger().setLevel(os.environ["AWS_LAMBDA_LOG_LEVEL"])
    try:
        handler = _load(setup["handler"])
    except BaseException as error:  # noqa: BLE001 an import may raise anything, even SystemExit
        _answer(answers, "", {"error": _describe(error, "")})
        return
    _answer(answers, "", {"ready": True})
    for line in sys.stdin:
        call = json.loads(line)
        handler_log.request_id = call["request_id"]
        _answer(answers, call["request_id"], _run(handler, call))


def _claim_output() -> TextIO:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    return answers


def _load(name: str) -> Callable[[Any, Context], Any]:
    module, _, attribute = name.replace("/", ".").rpartition(".")
    handler: Callable[[Any, Context], Any] = getattr(importlib.import_module(module), attribute)
    return handler


def _run(handler: Callable[[Any, Context], Any], call: dict[str, Any]) -> dict[str, Any]:
    _set_trace(call.get("trace_id"))
    try:
        return {"ok": json.dumps(handler(call["event"], Context(call)), default=_encode)}
    except BaseException as error:  # noqa: BLE001 whatever user code raises is the answer
        return {"error": _describe(error, call["request_id"])}


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):  # AWS's runtime writes decimals as numbers
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _set_trace(trace_id: str | None) -> None:
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def _describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """Give AWS's error payload, and log it as AWS does."""
    frames = [line for line in traceback.format_tb(error.__traceback__) if __file__ not in line]
    kind = type(error).__name__
    trace = "".join(frames).replace("\n", "\r")
    sys.stdout.write(f"[ERROR] {kind}: {error}\rTraceback (most recent call last):\r{trace}\n")
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": frames,
    }


def _answer(answers: TextIO, request_id: str, answer: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, f"{END_MARK}{request_id}\n".encode())
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
