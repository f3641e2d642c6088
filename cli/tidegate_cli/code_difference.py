"""Two states of a model's folder: code archives -> files, read within bounds -> unified diffs."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from tidegate.errors import NotFoundError
from tidegate.package import keys
from tidegate.package.artifacts import Artifacts
from tidegate.package.code_archive import read_code

MAX_LINES = 5_000  # of a file that is compared line by line
MAX_SHOWN = 2_000  # lines of all diffs together
CONTEXT = 3


@dataclass(frozen=True)
class FileDifference:
    """One file that differs; `note` says why there are no lines, e.g. that it is binary."""

    path: str
    kind: str  # "added" | "removed" | "changed"
    added: int = 0  # lines
    removed: int = 0
    note: str = ""
    lines: tuple[str, ...] = ()  # of the unified diff


@dataclass(frozen=True)
class CodeDifference:
    """What differs between two folders; `left_out` counts lines beyond `MAX_SHOWN`."""

    files: tuple[FileDifference, ...]
    left_out: int = 0

    def folded(self) -> CodeDifference:
        """Return the same without lines."""
        return CodeDifference(tuple(replace(one, lines=()) for one in self.files))


def code_difference(artifacts: Artifacts, model: str, old: str, new: str) -> CodeDifference | None:
    """Compare two code digests; None when an archive is no longer stored.

    Raises `PackageError` when an archive is damaged, too large or not the code of its digest.
    """
    try:
        before, after = (_files(artifacts, model, digest) for digest in (old, new))
    except NotFoundError:
        return None
    paths = sorted({*before, *after})
    found = (_file(path, before.get(path), after.get(path)) for path in paths)
    return _bounded([one for one in found if one is not None])


def _files(artifacts: Artifacts, model: str, digest: str) -> dict[str, bytes]:
    return read_code(artifacts.get(keys.code_archive(model, digest)), digest=digest)


def _file(path: str, old: bytes | None, new: bytes | None) -> FileDifference | None:
    if old == new:
        return None
    kind = "added" if old is None else "removed" if new is None else "changed"
    before, after = _lines(old or b""), _lines(new or b"")
    if before is None or after is None:
        sizes = f"{len(old or b''):,} -> {len(new or b''):,} bytes"
        return FileDifference(path, kind, note=f"binary, {sizes}")
    if max(len(before), len(after)) > MAX_LINES:
        return FileDifference(path, kind, note=f"more than {MAX_LINES:,} lines")
    lines = tuple(difflib.unified_diff(before, after, n=CONTEXT, lineterm=""))[2:]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    if not lines and kind == "changed":
        return FileDifference(path, kind, note="only the end of the last line")
    was = "/dev/null" if old is None else f"a/{path}"
    now = "/dev/null" if new is None else f"b/{path}"
    return FileDifference(path, kind, added, removed, lines=(f"--- {was}", f"+++ {now}", *lines))


def _lines(content: bytes) -> list[str] | None:
    """Return the lines of a text; None for other content."""
    try:
        decoded = content.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in decoded:
        return None
    return decoded.removesuffix("\n").split("\n") if decoded else []


def _bounded(files: list[FileDifference]) -> CodeDifference:
    room, left_out, kept = MAX_SHOWN, 0, []
    for one in files:
        shown = one.lines[:room]
        room, left_out = room - len(shown), left_out + len(one.lines) - len(shown)
        kept.append(replace(one, lines=shown))
    return CodeDifference(tuple(kept), left_out)
