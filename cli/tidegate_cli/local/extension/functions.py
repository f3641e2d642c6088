"""Functions: run an invocation in a worker, at most a few at a time, and record what it did.

turn (queue behind the cap) -> lease a worker -> invoke -> metrics; the emulator then takes the log.

AWS starts another environment for every concurrent request. On a laptop a burst of cold starts
starves everything else, so here requests beyond the cap of a version wait for their turn.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import aliases, seams, usage
from .logs import emit_lambda_logs
from .settings import Settings
from .workers import InitError, Reply, Worker

_LAMBDA = "ministack.services.lambda_svc"
_RUNTIME = "ministack.core.lambda_runtime"


class Turns:
    """Let at most `limit` invocations of one function version run at once; the others wait."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._gates: dict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(limit)
        )

    @contextmanager
    def turn(self, key: str, *, patience: float) -> Iterator[bool]:
        """Wait up to `patience` seconds for a turn; yield whether it came."""
        with self._lock:
            gate = self._gates[key]
        granted = gate.acquire(timeout=patience)
        try:
            yield granted
        finally:
            if granted:
                gate.release()


class Executor:
    """Replace the emulator's way to run Python functions."""

    def __init__(self, settings: Settings) -> None:
        self._turns = Turns(settings.workers_per_function)

    def execute(self, func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """Run one invocation and answer in the shape the emulator's callers expect."""
        emulator = seams.load(_LAMBDA)
        config = func["config"]
        called = aliases.called(config)
        version = str(config.get("Version", "$LATEST"))
        emulator._ensure_reaper_thread()
        started = time.monotonic()
        # API Gateway gives up after 30 s: nobody is left to wait for a later turn
        with self._turns.turn(f"{called.function}:{version}", patience=30.0) as granted:
            if not granted:
                return _throttled(emulator, called.function)
            worker, reply = _run(func, event, request_id, called.arn)
        milliseconds = (time.monotonic() - started) * 1000
        usage.record(called, version, milliseconds, failed=reply.error is not None)
        stream = worker.stream if worker else ""
        if reply.error is None:
            return {"body": reply.result, "log": reply.log, "log_source": stream}
        return {"body": reply.error, "error": True, "log": reply.log, "log_source": stream}


def install(settings: Settings) -> None:
    """Put our workers, our executor and our log writer in the emulator's place."""
    runtime = seams.load(_RUNTIME)
    emulated = runtime._worker_class_for

    def worker_class_for(config: dict[str, Any]) -> Any:
        if not str(config.get("Runtime", "")).startswith("python"):
            return emulated(config)
        return lambda name, conf, code: Worker(name, conf, code, settings)

    seams.replace(_RUNTIME, "_worker_class_for", worker_class_for)
    executor = Executor(settings)
    execute_emulated = seams.load(_LAMBDA)._execute_function_warm

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        if str(func["config"].get("Runtime", "")).startswith("python"):
            return executor.execute(func, event, request_id)
        answer: dict[str, Any] = execute_emulated(func, event, request_id)  # CDK's own, in Node
        return answer

    seams.replace(_LAMBDA, "_execute_function_warm", execute)
    seams.replace(_LAMBDA, "_emit_lambda_logs", emit_lambda_logs)
    # ours are recorded for every caller and with the alias; the emulator's for the Invoke API only
    seams.replace(_LAMBDA, "_emit_lambda_metrics", lambda *_args, **_options: None)


def _run(
    func: dict[str, Any], event: Any, request_id: str, arn: str
) -> tuple[Worker | None, Reply]:
    runtime = seams.load(_RUNTIME)
    config, code = func["config"], func.get("code_zip")
    if not code:
        message = {"errorType": "Runtime.NoCode", "errorMessage": "no code is deployed"}
        return None, Reply(None, message, "")
    version = str(config.get("Version", "$LATEST"))
    worker, _ = runtime.acquire_worker(config["FunctionName"], config, code, qualifier=version)
    try:
        return worker, worker.invoke(event, request_id, arn=arn, trace_id=None)
    except InitError as error:
        return worker, Reply(None, error.payload, error.log)
    finally:
        runtime.release_worker(worker)


def _throttled(emulator: Any, function: str) -> dict[str, Any]:
    response: dict[str, Any] = emulator._throttle_response(
        "ConcurrentInvocationLimitExceeded",
        f"Rate Exceeded: {function} had no free worker for 30 seconds",
    )
    return response
