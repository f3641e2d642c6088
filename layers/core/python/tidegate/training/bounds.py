"""Bounds on accidents of user code: where it writes, and how much it prints.

Writes are watched by an audit hook of the interpreter, which sees `open`, `os` and `shutil`, not
what C libraries write by themselves.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

MAX_OUTPUT = 200_000  # characters of what user code prints that are passed on
KEPT = 4_000  # characters that the report keeps
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    # audit event -> which of its arguments are paths that change
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "shutil.rmtree": (0,),
}


class _Fence:
    """The roots that may be written to now; None: no fence is up."""

    roots: tuple[str, ...] | None = None
    hooked = False


@contextlib.contextmanager
def confined(folder: Path) -> Iterator[None]:
    """Work inside `folder`, importable, and refuse writes outside it (`PermissionError`).

    Temporary files go to a folder of their own beside it.
    """
    scratch = folder.parent / f"{folder.name}-scratch"
    scratch.mkdir(exist_ok=True)
    before = Path.cwd()
    settings = dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"), str(scratch))
    old = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    tempdir, tempfile.tempdir = tempfile.tempdir, None
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    _raise_fence(folder, scratch)
    try:
        yield
    finally:
        _Fence.roots = None
        sys.path.remove(str(folder))
        os.chdir(before)
        tempfile.tempdir = tempdir
        for name, value in old.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _raise_fence(*roots: Path) -> None:
    if not _Fence.hooked:
        sys.addaudithook(_audit)  # a hook can't be taken away, so it looks whether a fence is up
        _Fence.hooked = True
    _Fence.roots = tuple(os.path.realpath(root) for root in roots)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _Fence.roots is None:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
            isinstance(flags, int) and flags & _WRITE_FLAGS
        )
        if writes:
            _check(path)
    elif event in _CHANGES:
        for index in _CHANGES[event]:
            _check(arguments[index])


def _check(path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike) or _Fence.roots is None:
        return  # a descriptor that is open already
    real = os.path.realpath(os.fsdecode(path))
    if real.startswith("/dev/") or "__pycache__" in real:
        return
    if not any(real == root or real.startswith(root + os.sep) for root in _Fence.roots):
        raise PermissionError(f"{real}: train() may write in its own folder only")


class LimitedOutput:
    """A text stream that passes on so many characters, counts the rest and remembers the end."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, stream: TextIO, *, limit: int = MAX_OUTPUT) -> None:
        """Pass on to `stream`."""
        self._stream, self._left, self._dropped = stream, limit, 0
        self._end: deque[str] = deque(maxlen=64)

    def write(self, text: str) -> int:
        """Pass on what fits."""
        passed = text[: self._left]
        self._left -= len(passed)
        self._dropped += len(text) - len(passed)
        if passed:
            self._stream.write(passed)
        self._end.append(text[-KEPT:])
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Tell that nobody watches."""
        return False

    def fileno(self) -> int:
        """Return the stream's descriptor, for child processes."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def text(self) -> str:
        """Return the end of what was written, with how much was dropped."""
        end = "".join(self._end)[-KEPT:]
        return (
            f"{end}\n({self._dropped} characters more were not passed on)" if self._dropped else end
        )


@contextlib.contextmanager
def limited_output() -> Iterator[LimitedOutput]:
    """Bound what is printed to stdout and stderr inside the block."""
    limited = LimitedOutput(sys.stdout)
    stream = cast(TextIO, limited)
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield limited
