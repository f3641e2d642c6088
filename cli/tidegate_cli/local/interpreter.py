"""Interpreter: find the Python that runs the emulator, and with it every local Lambda.

Python 3.13 is preferred, the runtime of the functions on AWS; the running interpreter will do.
A name on PATH proves nothing (pyenv's shims exist for versions that are not selected and then exit
with 127), so every candidate is run.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate_cli.local.errors import InterpreterError

PREFERRED = "3.13"
_PROBE = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"


@dataclass(frozen=True)
class Interpreter:
    """A Python that was seen to run."""

    path: Path
    minor: str


def find_uv() -> Path | None:
    """Return uv: beside this interpreter, or on PATH."""
    beside = Path(sys.executable).with_name("uv")
    if beside.is_file():
        return beside
    found = shutil.which("uv")
    return Path(found) if found else None


def choose(uv: Path | None) -> Interpreter:
    """Return the preferred Python when the machine has it, else the one that is running."""
    for candidate in _candidates(uv):
        found = probe(candidate)
        if found and found.minor == PREFERRED:
            return found
    running = probe(Path(sys.executable))
    if running is None:
        raise InterpreterError(
            f"no usable Python: {sys.executable} lacks venv or ensurepip. Install a complete "
            f"Python {PREFERRED} (on Debian: python3-venv) and try again."
        )
    return running


def probe(candidate: Path) -> Interpreter | None:
    """Run a candidate; None when it is not a complete Python."""
    try:
        done = subprocess.run(
            [candidate, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    minor, _, path = done.stdout.strip().partition(" ")
    return Interpreter(Path(path), minor)


def _candidates(uv: Path | None) -> Iterator[Path]:
    name = f"python{PREFERRED}"
    if sys.version_info[:2] == tuple(int(part) for part in PREFERRED.split(".")):
        yield Path(sys.executable)
    for folder in os.get_exec_path():
        if (path := Path(folder) / name).is_file():
            yield path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{PREFERRED}*/bin/{name}"), reverse=True)
    if uv is not None:
        found = subprocess.run(
            [uv, "python", "find", "--system", "--no-python-downloads", PREFERRED],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            yield Path(found.stdout.strip())
