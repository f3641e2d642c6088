"""Launcher of training jobs: `python3 framework.zip`, with nothing but the standard library.

code.zip's requirements.txt + toolchain.txt -> a virtual environment (one resolution, so that they
can't disagree) -> exec `python -m tidegate.training.job` in it, with the arguments given.

Environments are kept in $TIDEGATE_ENVIRONMENTS, when that is set, under the digest of what made
them; each is built beside its place and renamed into it, so jobs that race never see half of one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path, PurePosixPath

from tidegate.training.determinism import VARIABLES

OLDEST = (3, 11)
SHOWN = 900  # characters of an installer's complaint: SageMaker shows 1,024
NO_ENVIRONMENT = 2  # exit code


class LaunchError(Exception):
    """The environment of a training job can't be made; the text says why."""


def main() -> int:
    """Make the environment and become the job; return the exit code when that fails."""
    root = Path(os.environ.get("TIDEGATE_ML_ROOT", "/opt/ml"))
    # A job that is stopped while its environment is built removes the half of it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        python = environment(root)
    except (LaunchError, OSError, zipfile.BadZipFile) as error:
        failure = root / "output" / "failure"
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(f"LaunchError: {error}", encoding="utf-8")
        sys.stderr.write(f"LaunchError: {error}\n")
        return NO_ENVIRONMENT
    arguments = [str(python), "-P", "-m", "tidegate.training.job", *sys.argv[1:]]
    return os.execve(python, arguments, job_environment(dict(os.environ)))  # noqa: S606


def environment(root: Path) -> Path:
    """Return the interpreter of an environment that holds what the job needs, made if need be."""
    if sys.version_info < OLDEST:
        raise LaunchError(
            f"the image has Python {platform.python_version()}; 3.11 or later is needed"
        )
    lists = requirement_lists(root)
    kept = os.environ.get("TIDEGATE_ENVIRONMENTS", "")
    place = Path(kept or root / "environments") / digest(lists)
    python = place / "bin" / "python"
    if not python.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        build(place, lists)
    return python


def requirement_lists(root: Path) -> tuple[Path, Path]:
    """Write the user's requirements and the toolchain's to files; return both."""
    folder = root / "requirements"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(root / "input" / "data" / "code" / "code.zip") as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            # Those beside requirements.txt too: it may include them with -r or -c.
            if path.suffix == ".txt" and len(path.parts) == 1 and path.name == name:
                (folder / name).write_bytes(archive.read(name))
    users, ours = folder / "requirements.txt", folder / "tidegate-toolchain.txt"
    if not users.exists():
        raise LaunchError("requirements.txt is not in code.zip")
    ours.write_bytes(files("tidegate.training").joinpath("toolchain.txt").read_bytes())
    return users, ours


def digest(lists: tuple[Path, Path]) -> str:
    """Return the SHA-256 of the lists, the interpreter and the platform."""
    made = hashlib.sha256(f"{sys.version}|{platform.platform()}|{sys.prefix}".encode())
    for path in sorted(lists[0].parent.glob("*.txt")):
        made.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return made.hexdigest()


def build(place: Path, lists: tuple[Path, Path]) -> None:
    """Make a virtual environment at `place`, all or nothing."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".building-") as folder:
        made = Path(folder) / "environment"
        uv = shutil.which("uv")
        create = [uv, "venv", "--quiet", "--python", sys.executable] if uv else None
        run([*(create or [sys.executable, "-m", "venv"]), str(made)])
        python = str(made / "bin" / "python")
        install = (
            [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
        )
        run([*install, "--quiet", "-r", str(lists[0]), "-r", str(lists[1])])
        try:
            made.rename(place)
        except OSError:
            if not (place / "bin" / "python").exists():
                raise  # not a race that another job won


def run(command: list[str]) -> None:
    """Run an installer; raise `LaunchError` with the end of what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-SHOWN:]
        raise LaunchError(f"{Path(command[0]).name} could not install requirements.txt: {said}")


def job_environment(environ: dict[str, str]) -> dict[str, str]:
    """Return the job's variables: this framework, and what makes trainings alike, last."""
    return {
        **environ,
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": str(Path(__file__).resolve().parent),
        "PYTHONUNBUFFERED": "1",
        **VARIABLES,
    }


if __name__ == "__main__":
    sys.exit(main())
