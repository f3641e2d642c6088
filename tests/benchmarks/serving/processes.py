"""Processes that a server started: found by their parents, measured, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_GRACE = 10.0  # seconds


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            children[int(after_name[1])].append(int(stat.parent.name))
    found = [pid]
    for one in found:  # grows while it is walked
        found.extend(children[one])
    return found


def bind(pid: int, cpu: int) -> None:
    """Bind a process, all its descendants and all their threads to one CPU."""
    for one in tree(pid):
        for task in Path(f"/proc/{one}/task").glob("*"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), {cpu})


def proportional_bytes(pid: int) -> int:
    """Return a process's memory, of shared pages its part (PSS); 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def seconds_on_cpu(pid: int) -> float:
    """Return the CPU time of a process and all its descendants, of the threads that still run."""
    found = 0
    for one in tree(pid):
        for stat in Path(f"/proc/{one}/task").glob("*/schedstat"):
            with suppress(OSError):
                found += int(stat.read_text().split()[0])
    return found / 1e9


def resident_bytes() -> tuple[int, int]:
    """Return what this process has in memory now, and the most that it had (RSS)."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now, most = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, then end what is left of everything that it started."""
    started = list(_handles(tree(process.pid)))
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE)
    for handle in started:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
    process.wait(timeout=_GRACE)


def _handles(pids: Iterable[int]) -> Iterator[int]:
    """Yield a handle of each process: its number may be another's when it is ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            yield os.pidfd_open(pid)
