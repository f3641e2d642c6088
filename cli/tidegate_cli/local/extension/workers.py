"""Workers: run a Lambda function version in a process that sees what it would see on AWS.

The emulator's own worker inherits the server's environment and packages, unpacks every layer anew,
waits 50 ms for a silent handler's log and reports every failure as `Runtime.HandlerError`. This one
gives a clean environment (standard library, layers, boto3), shares unpacked layers, reads the log
exactly, and reports the class of the exception, on which state machines match.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from . import bootstrap, seams
from .identity import identity
from .settings import Settings
from .unpacked import unpack

LOG_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Reply:
    """What one invocation gave: a JSON result or AWS's error payload, and its log lines."""

    result: Any
    error: dict[str, Any] | None
    log: str


class Worker:
    """One execution environment of one function version; the emulator's pool owns its life.

    The attribute names are those the pool of `ministack.core.lambda_runtime` reads and writes.
    """

    def __init__(
        self, func_name: str, config: dict[str, Any], code_zip: bytes, settings: Settings
    ) -> None:
        self.func_name = func_name
        self.config = config
        self.in_use = False
        self.last_used = time.time()
        self._settings = settings
        self._code_zip = code_zip
        self._cold = True
        self._lock = threading.Lock()
        self._proc: subprocess.Popen[bytes] | None = None
        self._tmpdir: str | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        version = config.get("Version", "$LATEST")
        self.stream = f"{time.strftime('%Y/%m/%d')}/[{version}]{uuid4().hex}"

    def invoke(self, event: Any, request_id: str, *, arn: str, trace_id: str | None) -> Reply:
        """Run one invocation, starting the process first when there is none."""
        with self._lock:
            if self._proc is None or self._proc.poll() is not None:
                self._spawn()
            timeout = float(self.config.get("Timeout", 3))
            call = {
                "event": event,
                "request_id": request_id,
                "arn": arn,
                "timeout": timeout,
                "trace_id": trace_id,
            }
            answer = self._exchange(call, timeout)
            if answer is None:
                return self._abandon(request_id, timeout)
            log = self._read_log(request_id)
        if "error" in answer:
            return Reply(None, answer["error"], log)
        return Reply(json.loads(answer["ok"]), None, log)

    def kill(self) -> None:
        """Stop the process; the pool of the emulator calls this for a single worker."""
        process, self._proc = self._proc, None
        if process is not None:
            process.kill()
            process.wait()
        self._discard_tmpdir()

    def _spawn(self) -> None:
        self._discard_tmpdir()
        self._tmpdir = tempfile.mkdtemp(prefix=f"tidegate-{self.func_name}-")
        code = unpack(self._code_zip, self._settings.unpacked)
        layers = [unpack(archive, self._settings.unpacked) for archive in self._layer_archives()]
        self._proc = subprocess.Popen(
            # -S and -s: no site-packages of whoever installed this interpreter
            [sys._base_executable, "-P", "-S", "-s", bootstrap.__file__],  # type: ignore[attr-defined]
            cwd=code,
            env=self._environment(code, layers),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines = queue.Queue()
        threading.Thread(target=_pump, args=(self._proc, self._lines), daemon=True).start()
        self._initialise(code, layers)
        self._cold = False

    def _initialise(self, code: Path, layers: list[Path]) -> None:
        # AWS merges layers into /opt, a later one over an earlier one, and looks at the code first
        paths = [str(code)]
        for layer in reversed(layers):
            paths += [str(p) for p in _python_paths(layer)]
        setup = {
            "paths": paths,
            "runtime": [str(self._settings.runtime)],
            "handler": self.config.get("Handler", "index.handler"),
        }
        answer = self._send(setup)
        if answer is None or "error" in answer:
            log = self._read_log("")
            self.kill()
            raise InitError((answer or {}).get("error") or _exited(log), log)

    def _exchange(self, call: dict[str, Any], timeout: float) -> dict[str, Any] | None:
        """Send one call and wait for its answer; None when time is up or the process is gone."""
        answers: list[dict[str, Any] | None] = []
        thread = threading.Thread(target=lambda: answers.append(self._send(call)), daemon=True)
        thread.start()
        thread.join(timeout)
        return answers[0] if answers else None

    def _send(self, message: dict[str, Any]) -> dict[str, Any] | None:
        process = self._proc
        if process is None or process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, ValueError):  # ValueError: closed by a kill meanwhile
            return None
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    def _abandon(self, request_id: str, timeout: float) -> Reply:
        """Give up on a process that did not answer, and say why as AWS does."""
        exited = self._proc is not None and self._proc.poll() is not None
        if exited:
            message, kind = "Runtime exited without providing a reason", "Runtime.ExitError"
        else:
            message, kind = f"Task timed out after {timeout:.2f} seconds", "Sandbox.Timedout"
        self.kill()
        log = self._read_log(request_id)
        text = f"RequestId: {request_id} Error: {message}"
        error = {"errorMessage": text, "errorType": kind}
        return Reply(None, error, "\n".join(filter(None, [log, text])))

    def _read_log(self, request_id: str) -> str:
        """Return the lines up to the end mark of this invocation."""
        mark, lines = bootstrap.END_MARK + request_id, []
        deadline = time.monotonic() + LOG_WAIT_SECONDS
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break  # a killed process whose pipe a child still holds: keep what there is
            if line is None or line.endswith(mark):
                lines.append((line or "").removesuffix(mark))
                break
            lines.append(line)
        return "\n".join(line for line in lines if line)

    def _layer_archives(self) -> list[bytes]:
        resolve = seams.load("ministack.services.lambda_svc")._resolve_layer_zip
        archives = [resolve(layer) for layer in self.config.get("Layers", [])]
        missing = [i for i, archive in enumerate(archives) if not archive]
        if missing:
            raise InitError(
                {"errorType": "Runtime.InvalidLayer", "errorMessage": f"no layer {missing}"}, ""
            )
        return archives

    def _environment(self, code: Path, layers: list[Path]) -> dict[str, str]:
        variables = (self.config.get("Environment") or {}).get("Variables") or {}
        endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._settings.port}"}
        sandbox = {"TMPDIR": str(self._tmpdir), "LAMBDA_TASK_ROOT": str(code)}
        binaries = [str(layer / "bin") for layer in layers if (layer / "bin").is_dir()]
        paths = {"PATH": os.pathsep.join([*binaries, os.defpath])}
        return {**endpoint, **variables, **paths, **sandbox, **identity(self.config, self.stream)}

    def _discard_tmpdir(self) -> None:
        if self._tmpdir:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
        self._tmpdir = None


def _pump(process: "subprocess.Popen[bytes]", lines: "queue.Queue[str | None]") -> None:
    for line in process.stderr or ():  # bytes: text mode would split a logged traceback at its "\r"
        lines.put(line.rstrip(b"\n").decode(errors="replace"))
    lines.put(None)


def _python_paths(layer: Path) -> list[Path]:
    python = layer / "python"
    versioned = sorted(python.glob("lib/python*/site-packages"))
    return [path for path in (python, *versioned) if path.is_dir()]


def _exited(log: str) -> dict[str, Any]:
    return {"errorType": "Runtime.ExitError", "errorMessage": f"the runtime exited: {log[-500:]}"}


class InitError(RuntimeError):
    """A function version whose code could not be loaded."""

    def __init__(self, payload: dict[str, Any], log: str) -> None:
        super().__init__(payload["errorMessage"])
        self.payload = payload
        self.log = log
