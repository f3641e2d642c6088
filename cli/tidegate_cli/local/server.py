"""Server: start the emulator as a session of its own, wait for it, and end all of that session.

Workers and training jobs stay in the server's session, whatever their process group. `end`
therefore finds every one of them, also when the server was killed and could not clean up.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from tidegate_cli.local.errors import StartError
from tidegate_cli.local.installation import Installation
from tidegate_cli.local.interpreter import find_uv
from tidegate_cli.local.state import ACCOUNT, Folder, Options

DEFAULT_PORT = 4566
_START_SECONDS = 60.0
_PATIENCE = 15.0  # seconds: on a busy machine it answers late, and runs all the same
_STOP_SECONDS = 20.0
_HEALTH = "/_ministack/health"


def free_port(wanted: int | None) -> int:
    """Return the port to listen on: the wanted or default one, or any other that is free."""
    for candidate in (wanted or DEFAULT_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StartError("no free port on 127.0.0.1")


def start(folder: Folder, installed: Installation, port: int, options: Options) -> int:
    """Start the server detached from this terminal and return its process id."""
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            [installed.executable, "-P", "-m", "extension"],
            env=_environment(folder, installed, port, options),
            cwd=folder.path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    process.returncode = 0  # it outlives us on purpose: Popen must not warn of that
    return process.pid


def await_health(pid: int, port: int, log: Path) -> None:
    """Wait until a started server answers."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if healthy(port):
            return
        _reap(pid)
        if pid not in members(pid):
            raise StartError(f"the emulator ended at once:\n{_last_lines(log)}")
        time.sleep(0.1)
    raise StartError(f"the emulator did not answer within {_START_SECONDS:.0f} s, see {log}")


def healthy(port: int) -> bool:
    """Tell whether an emulator answers on a port."""
    try:
        url = f"http://127.0.0.1:{port}{_HEALTH}"
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
            return "services" in json.load(answer)
    except (OSError, ValueError):
        return False


def members(session: int) -> list[int]:
    """List the processes of a session, its leader first."""
    found = []
    for pid in _process_ids():
        try:
            if os.getsid(pid) == session:
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return sorted(found, key=lambda pid: pid != session)


def end(session: int) -> bool:
    """End a server and everything it started; return whether there was anything to end."""
    if session == os.getsid(0) or not members(session):
        return False
    _signal([session], signal.SIGTERM)  # the server first: it writes its state and stops workers
    _await_end(session, leader_only=True)
    _signal(members(session), signal.SIGTERM)
    _await_end(session, leader_only=False)
    _signal(members(session), signal.SIGKILL)
    _await_end(session, leader_only=False)
    return True


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])


def _environment(
    folder: Folder, installed: Installation, port: int, options: Options
) -> dict[str, str]:
    """Give the server its settings, and nothing of the caller's AWS configuration."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TIDEGATE_"))}
    uv = find_uv()
    return {
        **kept,
        "AUTH": "true",
        "AWS_SECRET_ACCESS_KEY": "test",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "INFO",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_HOST": "localhost",
        "PERSIST_STATE": "1",
        "PYTHONPATH": str(Path(__file__).parent),
        "S3_DATA_DIR": str(folder.path / "s3"),
        "S3_PERSIST": "1",
        "SFN_WAIT_SCALE": str(options.wait_scale),
        "STATE_DIR": str(folder.path / "services"),
        "TIDEGATE_CLOUD_STATE": str(folder.path),
        "TIDEGATE_LAMBDA_RUNTIME": str(installed.runtime),
        "TIDEGATE_TIME_SCALE": str(options.time_scale),
        "TIDEGATE_UV_FOLDER": str(uv.parent) if uv else "",
        "TIDEGATE_WORKERS_PER_FUNCTION": str(options.workers_per_function),
    }


def _process_ids() -> list[int]:
    if Path("/proc/self").exists():
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True)
    return [int(word) for word in listed.stdout.split()]


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _await_end(session: int, *, leader_only: bool) -> None:
    deadline = time.monotonic() + (_STOP_SECONDS if leader_only else 2.0)
    while time.monotonic() < deadline:
        left = members(session)
        if not left or (leader_only and session not in left):
            return
        _reap(session)
        time.sleep(0.05)


def _reap(session: int) -> None:
    """Collect the server when it is our own child; as a zombie it would seem alive."""
    try:
        os.waitpid(session, os.WNOHANG)
    except ChildProcessError:
        return
