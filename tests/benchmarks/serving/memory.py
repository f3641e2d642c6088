"""Memory of a warm environment: `python -m tests.benchmarks.serving.memory <folder> <what>`.

Each `what` is a process of its own, after the same requests: `handler`, the limit (numpy, ONNX
Runtime, orjson and the model, nothing else), and `python`, which has loaded nothing at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.serving import processes
from tests.benchmarks.serving.environments import ROOT

WHATS = ("python", "limit", "handler")
_ROWS = (1, 100)
_REQUESTS = 200  # of each number of rows


@dataclass(frozen=True)
class Resident:
    """Bytes in memory (RSS): after the requests, and at most."""

    model: str
    what: str
    now: int
    most: int


def measure(folder: Path, what: str) -> Resident:
    """Start a process, let it answer, and return what it takes."""
    command = [sys.executable, "-m", "tests.benchmarks.serving.memory", folder, what]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Resident(**json.loads(done.stdout.splitlines()[-1]))


def _limit(folder: Path, bodies: list[bytes]) -> None:
    from tests.benchmarks.serving.limits import Limit

    limit = Limit(folder)
    for body in bodies:
        for _ in range(_REQUESTS):
            limit.answer(body)


def _handler(folder: Path, bodies: list[bytes]) -> None:
    from tests.benchmarks.serving.handler import Context, environment
    from tests.benchmarks.serving.payloads import Payload

    os.environ.update(environment(folder))
    from tidegate.serving.endpoint import handle

    path = f"/models/{folder.name.split('-')[0]}/predict"
    for body in bodies:
        event = Payload("records", 0, path, body).event()
        for _ in range(_REQUESTS):
            if handle(event, Context())["statusCode"] != 200:
                raise RuntimeError("the handler refuses the request")


def _bodies(folder: Path) -> list[bytes]:
    """Return requests made of the golden rows, without loading what makes other rows."""
    rows = json.loads((folder / "golden.json").read_bytes())["records"]
    return [json.dumps({"records": (rows * n)[:n]}).encode() for n in _ROWS]


def main(folder: Path, what: str) -> None:
    """Answer, then print what this process takes."""
    if what != "python":
        {"limit": _limit, "handler": _handler}[what](folder, _bodies(folder))
    now, most = processes.resident_bytes()
    print(json.dumps(asdict(Resident(folder.name.split("-")[0], what, now, most))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
