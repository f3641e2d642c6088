"""Export: a registry's rows into a dump, one model after the other.

A model that is written to meanwhile is read again from its beginning: its rows are those of one
moment. Several models are those of several moments; they have nothing in common.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tidegate.errors import CorruptRecordError, NotFoundError, RegistryConflictError
from tidegate.registry.dump_file import Header, trailer
from tidegate.registry.dump_rows import Raw, RawRows, record_of, row_of, to_line

ATTEMPTS = 20
HEAD = "META"
Progress = Callable[[str, int], None]  # model, rows of it so far
STEP = 1000  # rows between two reports


@dataclass(frozen=True)
class Exported:
    """The rows of each model, and the SHA-256 (hex) of all their lines."""

    models: dict[str, int]
    sha256: str


def export(
    source: RawRows, spool: BinaryIO, *, models: Sequence[str] = (), progress: Progress
) -> Exported:
    """Write the lines of these models, or of all, to an empty `spool`.

    Raises `NotFoundError` for an unknown model, `CorruptRecordError` for a row that is not what was
    written, `RegistryConflictError` when a model is written to all the time.
    """
    known = source.models()
    unknown = sorted(set(models) - set(known))
    if unknown:
        raise NotFoundError(f"no model {unknown[0]!r} in the registry")
    sink, counts = _Sink(spool), {}
    for model in sorted(set(models) or known):
        for attempt in range(ATTEMPTS):
            count = _export_model(
                model, source, sink.again() if attempt else sink.begin(), progress
            )
            if count:
                counts[model] = count
                break
        else:
            raise RegistryConflictError(f"{model!r} is written to all the time; try again later")
    return Exported(counts, sink.sha256)


class _Sink:
    """The spool, with the SHA-256 of what is in it; a model's lines can be taken back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, hashlib.sha256()
        self._mark = file.tell(), self._digest

    def begin(self) -> _Sink:
        self._mark = self._file.tell(), self._digest.copy()
        return self

    def again(self) -> _Sink:
        start, digest = self._mark
        self._file.seek(start)
        self._file.truncate()
        self._digest = digest.copy()
        return self

    def write(self, raw: Raw) -> None:
        record_of(raw)  # what is not what was written is not carried on
        line = to_line(raw)
        self._file.write(line)
        self._digest.update(line)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def assemble(header: Header, exported: Exported, spool: BinaryIO, out: BinaryIO) -> None:
    """Write the whole dump to `out`."""
    out.write(header.to_line())
    spool.seek(0)
    shutil.copyfileobj(spool, out)
    out.write(trailer(header.rows, exported.sha256))


def _export_model(model: str, source: RawRows, sink: _Sink, progress: Progress) -> int:
    """Write a model's lines and return their number; 0 when somebody committed meanwhile.

    Every commit writes META: one that is the same before and after means that nothing changed.
    """
    head = source.head(model)
    if head is None:
        raise CorruptRecordError(f"{model!r} is listed but has no {HEAD}")
    count = 0
    for raw in source.rows(model):
        if row_of(raw)[1] == HEAD:
            continue
        sink.write(raw)
        count += 1
        if count % STEP == 0:
            progress(model, count)
    if source.head(model) != head:
        return 0
    sink.write(head)
    progress(model, count + 1)
    return count + 1
