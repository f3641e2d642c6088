"""Environments of the peers: each is installed from its own pinned requirements, once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tidegate_cli.local.interpreter import find_uv

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".tidegate" / "bench" / "serving"
PEERS = Path(__file__).with_name("peers")
NAMES = ("asgi", "mlflow", "bentoml", "ray", "litserve")


def install(name: str) -> Path:
    """Install one of `NAMES`, unless it is there; return its interpreter."""
    lock, target, uv = PEERS / name / "requirements.txt", FOLDER / "peers" / name, find_uv()
    python, stamp = target / "bin" / "python", target / "tidegate-stamp"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    if uv is None:
        raise FileNotFoundError("uv is missing beside this interpreter; run `make setup`")
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, target], check=True)
    pip: list[str | Path] = [uv, "pip", "install", "--no-config", "--quiet", "--python", python]
    # Bytecode now: a peer's first start would compile it against the clock of its own time-outs.
    subprocess.run([*pip, "--compile-bytecode", "--require-hashes", "-r", lock], check=True)
    stamp.write_text(wanted)  # last: an interrupted installation is not taken for one
    return python
