"""The far end of a bounded run: `python -m tidegate.package.sandbox`, limits first, then the model.

Reads one JSON line {"memory_mb", "cpu_seconds", "model", "rows", "columns"} and then the bytes of
model and matrix from standard input; writes one JSON line {"shape"} or {"error"}, then the scores.
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
    # Everything is imported before the limits, so that they bound the model and not the libraries.
    import numpy as np
    import onnxruntime  # noqa: F401 - OnnxSession imports it again, within the limits

    from tidegate.errors import PackageError
    from tidegate.scoring.onnx_session import OnnxSession

    _limit(header["memory_mb"], header["cpu_seconds"])
    try:
        session = OnnxSession(source.read(header["model"]))
        features = np.frombuffer(source.read(), dtype=np.float32)
        scores = session.run(features.reshape(header["rows"], header["columns"]))
    except (PackageError, MemoryError) as error:
        answer: dict[str, Any] = {"error": str(error) or "out of memory"}
        body = b""
    else:
        answer, body = {"shape": list(scores.shape)}, scores.tobytes()
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


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
