"""Servers over HTTP: ours, the yardstick and the peers, each started in its own documented way."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from tests.benchmarks.serving import environments, handler, processes
from tests.benchmarks.serving.environments import FOLDER, ROOT
from tests.benchmarks.serving.limits import Limit
from tests.benchmarks.serving.load import Connection, request_bytes

_HERE = "tests.benchmarks.serving.peers"
_START_SECONDS = 90.0
_QUIET = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_MODEL_ENV_DOWNLOADING": "false",
    "RAY_AUTH_MODE": "disabled",  # else it leaves a token in the home directory
    "RAY_USAGE_STATS_ENABLED": "0",
    "OMP_NUM_THREADS": "1",
}
Command = Callable[[Path, Path, int], Sequence[str | Path]]  # interpreter, package, port


class NotStartedError(RuntimeError):
    """A server gave no right answer within its time."""


@dataclass(frozen=True)
class Kind:
    """How one server is started and asked; `scores` reads P(positive) out of its answer."""

    name: str
    environment: str
    command: Command
    path: str = "/predict"
    encoded: bool = False  # takes the matrix instead of the records: its client encodes categories
    scores: Callable[[Any], list[float]] = lambda answer: answer["predictions"]


@dataclass(frozen=True)
class Running:
    """A server that answers: where, with what path, and its first process."""

    kind: Kind
    port: int
    path: str
    pid: int

    def request(self, rows: Sequence[dict[str, Any]], limit: Limit) -> bytes:
        """Return the bytes of a request with these rows."""
        content: dict[str, Any] = {"records": rows}
        if self.kind.encoded:
            content = {"inputs": limit.convert(rows).tolist()}
        return request_bytes(self.path, orjson.dumps(content))

    def memory(self) -> int:
        """Return the bytes of all its processes; what they share is counted once."""
        return sum(map(processes.proportional_bytes, processes.tree(self.pid)))


def _uvicorn(module: str) -> Command:
    def command(python: Path, package: Path, port: int) -> Sequence[str | Path]:
        where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        quiet = ["--no-access-log", "--log-level", "warning", "--lifespan", "off"]
        return [python, "-m", "uvicorn", f"{_HERE}.asgi.{module}:app", *where, *quiet]

    return command


def _litserve(python: Path, package: Path, port: int) -> Sequence[str | Path]:
    return [python, "-m", f"{_HERE}.litserve.server", str(port)]


def _ray(python: Path, package: Path, port: int) -> Sequence[str | Path]:
    return [python, "-m", f"{_HERE}.ray.server", str(port)]


def _bentoml(python: Path, package: Path, port: int) -> Sequence[str | Path]:
    where = ["--host", "127.0.0.1", "--port", str(port), "--working-dir", str(ROOT)]
    return [python, "-m", "bentoml", "serve", f"{_HERE}.bentoml.service:Model", *where]


def _mlflow(python: Path, package: Path, port: int) -> Sequence[str | Path]:
    saved = FOLDER / "mlflow" / package.name
    if not saved.is_dir():
        beside = saved.with_suffix(".part")
        shutil.rmtree(beside, ignore_errors=True)
        command = [python, "-m", f"{_HERE}.mlflow.save", package, beside]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **_QUIET}, check=True)
        beside.rename(saved)
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    serve = ["-m", "mlflow", "models", "serve", "--env-manager", "local"]
    return [python, *serve, "--model-uri", saved, *where]


def _of_rows(answer: Any) -> list[float]:
    return [row["score"] for row in answer["predictions"]]


def _of_mlflow(answer: Any) -> list[float]:
    return [row[1] for row in answer["predictions"]["scores"]]


OURS = Kind("Tidegate", "asgi", _uvicorn("ours"), "/models/{model}/predict", scores=_of_rows)
YARDSTICK = Kind("bare ASGI function", "asgi", _uvicorn("bare"))
PEERS = (
    Kind("FastAPI, tuned", "asgi", _uvicorn("fastapi_tuned")),
    Kind("FastAPI, pydantic", "asgi", _uvicorn("fastapi_pydantic"), scores=_of_rows),
    Kind("LitServe", "litserve", _litserve),
    Kind("BentoML", "bentoml", _bentoml),
    Kind("MLflow", "mlflow", _mlflow, "/invocations", encoded=True, scores=_of_mlflow),
    Kind("Ray Serve", "ray", _ray),
)


@contextmanager
def running(kind: Kind, package: Path, cpu: int) -> Iterator[Running]:
    """Start a server on one CPU, wait until its first answer is right, and end all of it."""
    python, port = environments.install(kind.environment), _free_port()
    command = kind.command(python, package, port)
    name = kind.name.lower().replace(" ", "-").replace(",", "")
    (FOLDER / "logs").mkdir(parents=True, exist_ok=True)
    with (FOLDER / "logs" / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(package, python),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        path = kind.path.format(model=package.name.split("-")[0])
        found = Running(kind, port, path, process.pid)
        _await_answer(found, process, package, Path(log.name))
        processes.bind(process.pid, cpu)  # only now: some start a dozen processes, against a clock
        yield found
    finally:
        processes.end(process)


def check(found: Running, answer: bytes, expected: np.ndarray) -> None:
    """Raise unless a server's answer holds these scores (rows, classes)."""
    scores = found.kind.scores(json.loads(answer))
    if not np.allclose(scores, expected[:, 1], atol=1e-5):
        raise RuntimeError(f"{found.kind.name} answers other scores than the model")


def _environment(package: Path, python: Path) -> dict[str, str]:
    paths = (str(ROOT), str(ROOT / "layers" / "core" / "python"))
    return {
        **os.environ,
        **_QUIET,
        **handler.environment(package),
        "BENCH_PACKAGE": str(package),
        "PYTHONPATH": os.pathsep.join(paths),
        "PATH": os.pathsep.join((str(python.parent), os.environ["PATH"])),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_answer(
    found: Running, process: subprocess.Popen[bytes], package: Path, log: Path
) -> None:
    """Ask until the server answers; then hold its answer against the model's."""
    limit = Limit(package)
    golden = json.loads((package / "golden.json").read_bytes())
    row, scores = golden["records"][0], np.array(golden["scores"][:1])
    request = found.request([row], limit)
    deadline = time.monotonic() + _START_SECONDS
    status, answer = 0, b""
    while process.poll() is None and time.monotonic() < deadline and status != 200:
        with suppress(OSError), Connection(found.port) as connection:
            status, answer = connection.ask(request)
        if status != 200:
            time.sleep(0.1)
    if status != 200:
        told = f"answers {status}: {answer[:300]!r}" if status else "does not answer"
        raise NotStartedError(f"{found.kind.name} {told}; see {log.relative_to(ROOT)}")
    check(found, answer, scores)
