"""Installation: give the emulator an interpreter environment of its own, from hash-pinned locks.

interpreter -> environment (requirements.txt) -> runtime (runtime.txt: what Lambda itself ships)

A stamp of locks and interpreter says what is installed; another one means a new installation.
`TIDEGATE_CLOUD_VENV` may name a folder that several clouds share, so that tests install once.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tidegate_cli.local.errors import InstallError
from tidegate_cli.local.interpreter import Interpreter, choose, find_uv
from tidegate_cli.local.locking import locked

_HERE = Path(__file__).parent
LOCKS = (_HERE / "requirements.txt", _HERE / "runtime.txt")


@dataclass(frozen=True)
class Installation:
    """An installed emulator."""

    folder: Path
    python: str

    @property
    def executable(self) -> Path:
        """Give the interpreter that has the emulator."""
        return self.folder / "bin" / "python"

    @property
    def runtime(self) -> Path:
        """Give the folder with what AWS Lambda's own runtime ships."""
        return self.folder / "lambda-runtime"


def install(folder: Path, *, fresh: bool, progress: Callable[[str], None]) -> Installation:
    """Install the emulator, unless exactly this installation is there already."""
    shared = os.environ.get("TIDEGATE_CLOUD_VENV")
    target = Path(shared) if shared else folder / "venv"
    uv = find_uv()
    python = choose(uv)
    installed, stamp = Installation(target, python.minor), target / "tidegate-stamp"
    wanted = _stamp(python)
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_name(f"{target.name}.lock")):  # clouds may share the target
        there = stamp.is_file() and installed.executable.is_file()
        if not fresh and there and stamp.read_text() == wanted:
            return installed
        progress(f"installing the emulator for Python {python.minor}")
        shutil.rmtree(target, ignore_errors=True)
        for command in _commands(installed, python, uv):
            _run(command)
        stamp.write_text(wanted)  # last: an interrupted installation is not taken for one
    return installed


def _commands(
    installed: Installation, python: Interpreter, uv: Path | None
) -> list[list[str | Path]]:
    requirements, runtime = LOCKS
    into: list[str | Path] = ["--target", installed.runtime, "--require-hashes", "-r", runtime]
    if uv is not None:
        pip: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", installed.executable]
        create: list[str | Path] = [uv, "venv", "--quiet", "--python", python.path]
        return [
            [*create, installed.folder],
            [*pip, "--require-hashes", "-r", requirements],
            [*pip, *into],
        ]
    pip = [installed.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [
        [python.path, "-m", "venv", installed.folder],
        [*pip, "--require-hashes", "-r", requirements],
        [*pip, *into],
    ]


def _run(command: list[str | Path]) -> None:
    words = [str(word) for word in command]
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise InstallError(
            f"installing the emulator failed at `{' '.join(words)}`:\n{error.stderr[-2000:]}\n"
            "Is the package index reachable? Then run `tidegate local up --fresh`."
        ) from error


def _stamp(python: Interpreter) -> str:
    digest = hashlib.sha256()
    for lock in LOCKS:
        digest.update(lock.read_bytes())
    return f"{digest.hexdigest()} {python.path}\n"
