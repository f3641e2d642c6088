"""Both sides of the start: our layers and the bare minimum, each with the interpreter of Lambda."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stacks import bundling
from stacks.bundling import Target, build, cached_layer, compiler
from stacks.recipes import RECIPES
from tests.benchmarks.serving import handler
from tests.benchmarks.serving.environments import FOLDER
from tests.benchmarks.serving.payloads import Payload
from tidegate.contract import Contract
from tidegate_cli.local.interpreter import find_uv

LAMBDA = "3.13"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # as deployed
HERE = Path(__file__).parent
LOCK = HERE / "requirements.txt"
# The same pruned and compiled wheels as our layer, with the Python package and without the library
# that our session uses.
_OURS_ONLY = {
    "onnxruntime/capi/onnxruntime_pybind11_state*",
    "onnxruntime/capi/*providers_shared*",
    "onnxruntime/**/*.py",
}
_KEPT = tuple(one for one in RECIPES["inference"].left_out if one not in _OURS_ONLY)
BARE = replace(
    RECIPES["inference"], limit_mb=100, left_out=(*_KEPT, "onnxruntime/capi/libonnxruntime.so*")
)


@dataclass(frozen=True)
class Side:
    """What one function is started with: `paths` go onto PYTHONPATH."""

    name: str
    python: str
    paths: tuple[Path, ...]
    handler: str
    environment: Mapping[str, str]

    def variables(self, place: str) -> dict[str, str]:
        """Return the process's environment, with the Runtime API at `place`."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, self.paths)),
            "PYTHONNOUSERSITE": "1",
            "AWS_LAMBDA_RUNTIME_API": place,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_REGION": "us-east-1",
            **ONE_THREAD,
            **self.environment,
        }


def target() -> Target:
    """Return this machine with Lambda's Python, or with ours where that is not installed."""
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Target(machine, LAMBDA if compiler(LAMBDA) else running, host=True)


def ours(package: Path) -> Side:
    """Return the endpoint on an unpacked package, with the layers that are deployed."""
    place = target()
    layers = [cached_layer(name, target=place) / "python" for name in ("core", "inference")]
    return Side(
        "Tidegate",
        compiler(place.python),
        (_client(place), *layers),
        "tidegate.serving.endpoint.handle",
        {**handler.environment(package), "LAMBDA_TASK_ROOT": str(package)},
    )


def bare(package: Path) -> Side:
    """Return numpy, ONNX Runtime, one session and one run on the same model."""
    place = target()
    layer = _made(
        "bare", _digest(place, repr(BARE)), lambda to: build(BARE, target=place, output=to)
    )
    return Side(
        "bare",
        compiler(place.python),
        (_client(place), layer / "python", HERE),
        "bare_handler.handle",
        {"LAMBDA_TASK_ROOT": str(package)},
    )


def event(package: Path) -> dict[str, Any]:
    """Return the package's first golden request as API Gateway hands it to the function."""
    model = Contract.from_json((package / "contract.json").read_bytes()).model
    record = json.loads((package / "golden.json").read_bytes())["records"][0]
    body = json.dumps({"records": [record]}).encode()
    return Payload("records", 1, f"/models/{model}/predict", body).event()


def _client(place: Target) -> Path:
    """Install the runtime interface client, compiled as in Lambda's image."""

    def install(to: Path) -> None:
        command = [str(find_uv()), "pip", "install", "--quiet", "--no-config", "--require-hashes"]
        command += ["--only-binary", ":all:", "--python-version", place.python]
        subprocess.run([*command, "--target", str(to), "-r", str(LOCK)], check=True)
        compile_all = [compiler(place.python), "-m", "compileall", "-q", str(to)]
        subprocess.run(compile_all, check=True)

    return _made("client", _digest(place), install)


def _digest(place: Target, *more: str) -> str:
    lock = bundling.ROOT / "layers" / "inference" / "requirements.txt"
    parts = (repr(place), *more, LOCK.read_text(), lock.read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _made(name: str, digest: str, make: Any) -> Path:
    """Return a folder of the benchmark; make it unless it is there."""
    finished = FOLDER / "start" / f"{name}-{digest}"
    if not finished.is_dir():
        scratch = finished.with_suffix(".part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        make(scratch)
        scratch.rename(finished)
    return finished
