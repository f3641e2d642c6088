"""The peer's server: an MLflow tracking server with its SQL store, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate_cli.local import server

LOCK = Path(__file__).with_name("requirements.txt")
WORKERS = 2  # processes of the server
_START_SECONDS = 180.0
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@contextmanager
def running(python: Path, folder: Path) -> Iterator[str]:
    """Start an empty server on a free port, give its address, and stop it in the end."""
    store = folder / "peer-store"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    port = server.free_port(0)
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
    database = ["--backend-store-uri", f"sqlite:///{store / 'mlflow.db'}"]
    with (store / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "mlflow", "server", *database, *where],
            cwd=store,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,  # it starts workers, which end with it
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _await_health(process, url, store / "server.log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def environment() -> dict[str, str]:
    """Return what the peer's processes get: nothing that would send anything anywhere."""
    return {**os.environ, **_QUIET}


def _await_health(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"the peer's server did not answer; see {log}")
