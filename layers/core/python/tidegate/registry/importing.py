"""Import: a dump into an empty registry, checked to its last line before the first is written.

check: header -> rows decode and lie in place -> events without gaps tell what META says -> trailer
load:  model by model, its META and its place in the list of models last

A model is there as a whole or can't be seen: no command works on one without META. An import that
was interrupted is repeated with the same dump and goes on: rows that lie there already must be the
same, and nothing that lies there is ever changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO

from tidegate.errors import CorruptRecordError, ImmutableError
from tidegate.registry.dump_file import Header, read_line, trailer
from tidegate.registry.dump_rows import Raw, RawRows, from_line, listing, record_of, row_of
from tidegate.registry.replay import replay
from tidegate.registry.values import Event, Meta, Record, Serving

BATCH_ROWS = 100  # of a transaction
BATCH_BYTES = 3_000_000  # a transaction holds 4 MB
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Line:
    """One row of a dump."""

    number: int
    size: int  # bytes
    raw: Raw
    record: Record | Event


@dataclass(frozen=True)
class Checked:
    """A dump that is whole: its header, and where each model's META stands."""

    header: Header
    heads: dict[str, Raw] = field(repr=False)


def check(file: BinaryIO) -> Checked:
    """Read a dump from its beginning; raise `CorruptRecordError` naming the first line at fault.

    It takes memory for one row and one META per model, however large the dump is.
    """
    file.seek(0)
    header = Header.from_line(read_line(file, 1))
    digest = hashlib.sha256()
    found: dict[str, Raw] = {}
    counts: dict[str, int] = {}
    for model, lines in groupby(_lines(file, header, digest), key=lambda line: line.record.model):
        if found and model <= max(found):
            line = sum(counts.values()) + 2
            raise CorruptRecordError(f"line {line}: rows of {model!r} stand out of order")
        counts[model], found[model] = _check_model(model, lines)
    if counts != header.models:
        raise CorruptRecordError(f"line 1 counts {header.models}, but the rows are {counts}")
    last = header.rows + 2
    if read_line(file, last) != trailer(header.rows, digest.hexdigest()):
        raise CorruptRecordError(f"line {last}: the rows are not those that were written (SHA-256)")
    if file.read(1):
        raise CorruptRecordError(f"line {last + 1}: the file goes on after its last line")
    return Checked(header, found)


def load(file: BinaryIO, checked: Checked, target: RawRows, *, progress: Progress) -> int:
    """Write a checked dump's rows; return the number of models that were not there yet.

    Raises `ImmutableError`, before it writes anything, when the registry holds anything else.
    """
    _check_room(checked, target)
    file.seek(0)
    header = Header.from_line(read_line(file, 1))
    written = 0
    lines = _lines(file, header, hashlib.sha256())
    for model, group in groupby(lines, key=lambda line: line.record.model):
        if target.head(model) is not None:
            continue
        count = 0
        for batch in _batches(group):
            target.insert([line.raw for line in batch])
            count += len(batch)
            progress(model, count)
        target.insert([checked.heads[model], listing(model)])
        progress(model, count + 1)
        written += 1
    return written


def _check_room(checked: Checked, target: RawRows) -> None:
    strangers = sorted(set(target.models()) - set(checked.heads))
    if strangers:
        raise ImmutableError(f"the registry isn't empty: it holds {', '.join(strangers)}")
    for model, head in checked.heads.items():
        if target.head(model) not in (None, head):
            raise ImmutableError(f"the registry isn't empty: its {model!r} is not the dump's")


def _lines(file: BinaryIO, header: Header, digest: Any) -> Iterator[Line]:  # noqa: ANN401  # hashlib's are unnamed
    for number in range(2, header.rows + 2):
        line = read_line(file, number)
        digest.update(line)
        try:
            raw = from_line(line)
            record = record_of(raw)
        except CorruptRecordError as error:
            raise CorruptRecordError(f"line {number}: {error}") from error
        yield Line(number, len(line), raw, record)


def _check_model(model: str, lines: Iterable[Line]) -> tuple[int, Raw]:
    """Return how many rows a model has, and its META."""
    tally, told = _Tally(), Serving()
    for kind, group in groupby(tally.follow(lines), key=lambda line: type(line.record)):
        if kind is Event:
            told = replay(line.record for line in group if isinstance(line.record, Event))
    last = tally.last
    if last is None or not isinstance(last.record, Meta):
        raise CorruptRecordError(f"{model!r} does not end with its META")
    if last.record.rev != tally.events:
        raise CorruptRecordError(
            f"line {last.number}: {model!r} had {last.record.rev} events, {tally.events} are here"
        )
    if last.record.serving != told:
        raise CorruptRecordError(
            f"line {last.number}: META of {model!r} says that {last.record.serving} serves, its"
            f" events tell {told}"
        )
    return tally.rows, last.raw


@dataclass
class _Tally:
    """What was seen of a model so far."""

    rows: int = 0
    events: int = 0
    last: Line | None = None

    def follow(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Pass lines on; raise `CorruptRecordError` when one is out of order or an event lacks."""
        for line in lines:
            if self.last is not None and not _follows(self.last, line):
                place = " / ".join(row_of(line.raw))
                raise CorruptRecordError(f"line {line.number}: {place} stands out of order")
            self.events += isinstance(line.record, Event)
            if isinstance(line.record, Event) and line.record.sequence != self.events:
                raise CorruptRecordError(
                    f"line {line.number}: event {self.events} of {line.record.model!r} is missing"
                )
            self.rows, self.last = self.rows + 1, line
            yield line


def _follows(before: Line, line: Line) -> bool:
    if isinstance(before.record, Meta):
        return False
    return isinstance(line.record, Meta) or row_of(before.raw) < row_of(line.raw)


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield what fits into a transaction, without META, which comes last of all."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        if isinstance(line.record, Meta):
            continue
        if batch and (len(batch) == BATCH_ROWS or size + line.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += line.size
    if batch:
        yield batch
