"""The far end of a bounded run: `python -m tidegate.package.sandbox`, limits first, then the model.

Reads one JSON line {"memory_mb", "cpu_seconds", "model", "rows", "columns"} and then the bytes of
model and matrix from standard input; writes one JSON line {"shape", "peak_mb"} or {"error"}, then
the scores.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

MIB = 1024 * 1024


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer one request."""
    header: dict[str, Any] = json.loads(source.readline())
    # Everything is loaded before the limits, so that they bound the model and not the libraries.
    import numpy as np

    from tidegate.errors import PackageError
    from tidegate.scoring.onnx_session import OnnxSession
    from tidegate.scoring.ort_api import ort_api

    ort_api()
    _limit(header["memory_mb"], header["cpu_seconds"])
    try:
        session = OnnxSession(source.read(header["model"]))
        features = np.frombuffer(source.read(), dtype=np.float32)
        scores = session.run(features.reshape(header["rows"], header["columns"]))
    except (PackageError, MemoryError) as error:
        allowed = f"; {header['memory_mb']} MB of memory were allowed"
        answer: dict[str, Any] = {"error": f"{str(error) or 'out of memory'}{allowed}"}
        body = b""
    else:
        answer, body = {"shape": list(scores.shape), "peak_mb": _peak_mb()}, scores.tobytes()
    sink.write(json.dumps(answer).encode() + b"\n" + body)
    sink.flush()


def _limit(memory_mb: int, cpu_seconds: int) -> None:
    """Bound address space (beside what is mapped already), CPU time, written bytes and cores."""
    used = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 1
    limits = {
        resource.RLIMIT_CPU: used + cpu_seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    statm = Path("/proc/self/statm")
    if statm.exists():  # elsewhere (macOS) address space can't be limited; CPU and clock still are
        mapped = int(statm.read_text().split()[0]) * resource.getpagesize()
        limits[resource.RLIMIT_AS] = mapped + memory_mb * MIB
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _peak_mb() -> int:
    """Return how many MiB this process had in memory at once."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: on Linux that begins with what the parent had before this one was started.
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (MIB if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
