"""Layers built for an interpreter of this machine, so that they can be run, not just looked at."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.bundling import Target, cached_layer, compiler

LAMBDA = "3.13"
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"

Run = Callable[..., str]


@pytest.fixture(scope="session")
def here() -> Target:
    """Return the target that runs on this machine: Lambda's Python if it is here, else ours."""
    return Target(ARCHITECTURE, LAMBDA if compiler(LAMBDA) else RUNNING, host=True)


@pytest.fixture(scope="session")
def run(here: Target) -> Run:
    """Run code with nothing but some layers and the standard library on the path."""

    def isolated(code: str, *layers: str) -> str:
        paths = [str(cached_layer(name, target=here) / "python") for name in layers]
        script = f"import sys; sys.path[:0] = {paths!r}\n{code}"
        result = subprocess.run(
            [compiler(here.python), "-I", "-S", "-W", "error", "-c", script],
            cwd=Path("/"),
            env={"AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr

    return isolated
