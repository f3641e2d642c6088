"""Environments of peers: each is installed from its own pinned requirements, once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tidegate_cli.local.interpreter import find_uv


def install(lock: Path, target: Path) -> Path:
    """Install what `lock` pins into the folder `target`, unless it is there; return its Python."""
    uv, python, stamp = find_uv(), target / "bin" / "python", target / "tidegate-stamp"
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
