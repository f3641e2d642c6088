"""One piece: fetch -> score chunk by chunk -> store -> write down what was done.

Done before? -> answer with the record. Memory is bounded by the chunk, disk by the object's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.batch.addresses import format_of
from tidegate.batch.outputs import types_of, write_output
from tidegate.batch.ports import Objects
from tidegate.batch.rows import Wanted, read_rows
from tidegate.batch.scorer import NAMED, Scored, Scorer
from tidegate.batch.values import NO_BOUND, Part, Piece, Stored
from tidegate.errors import BatchError, Problem, TidegateError

OpenScorer = Callable[[str, str], Scorer]
LONGEST = 1000  # characters of a failure's reason; Finish answers with 20 of them


@dataclass(frozen=True)
class Workshop:
    """What a worker has: objects, packages by model and digest, and a folder for one piece."""

    objects: Objects
    scorer: OpenScorer
    folder: Path


@dataclass
class Counts:
    """What is counted while chunks pass."""

    rows: int = 0
    bad_rows: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, scored: Scored) -> None:
        """Count a chunk; keep the first problems."""
        self.rows += len(scored.rows)
        self.bad_rows += scored.bad_rows
        self.problems += scored.problems[: NAMED - len(self.problems)]


def score_piece(piece: Piece, shop: Workshop) -> Part:
    """Score an object, or return the record of having done so before.

    Raises `BatchError` when the object can't be read or too many of its rows break the contract,
    `PackageError` when the model fails; every error of ours is also written down.
    """
    done = record_of(piece, shop.objects)
    if done is not None and may_be_taken(done, piece, shop.objects):
        return done
    try:
        part = _score(piece, shop)
    except TidegateError as error:
        note_failure(piece, error, shop.objects)
        raise
    shop.objects.put(piece.out_bucket, piece.part_key, part.to_json())
    return part


def note_failure(piece: Piece, error: Exception, objects: Objects) -> None:
    """Write down why a piece has no output, so that the manifest can tell."""
    source = piece.source
    unknown = Stored(source.bucket, source.key, "", "", source.size)
    reason = f"{type(error).__name__}: {error}"[:LONGEST]
    failed = Part(piece.identity, piece.job, unknown, error=reason)
    objects.put(piece.out_bucket, piece.part_key, failed.to_json())


def record_of(piece: Piece, objects: Objects) -> Part | None:
    """Return what was written down of this very piece, by whichever job; None: nothing."""
    data = objects.get(piece.out_bucket, piece.part_key)
    part = Part.from_json(data) if data is not None else None
    return part if part is not None and part.identity == piece.identity else None


def may_be_taken(part: Part, piece: Piece, objects: Objects) -> bool:
    """Tell whether a job goes on from a piece's record: the output that it names still lies there.

    With `--no-resume` it never does.
    """
    if not piece.resume or part.output is None:
        return False
    return objects.checksum(piece.out_bucket, piece.out_key) == part.output.sha256


def _score(piece: Piece, shop: Workshop) -> Part:
    read, written = shop.folder / "input", shop.folder / "output"
    counts = Counts()
    scorer = shop.scorer(piece.model, piece.digest)
    types = types_of(scorer.contract, piece.keep, piece.format)
    fetched = shop.objects.fetch(piece.source, read)
    scored = _scored(piece, scorer, read, counts)
    write_output(scored, written, form=piece.format, types=types)
    stored = shop.objects.store(written, piece.out_bucket, piece.out_key)
    problems = tuple(counts.problems)
    rows, bad = counts.rows, counts.bad_rows
    return Part(piece.identity, piece.job, fetched, stored, rows, bad, problems)


def _scored(piece: Piece, scorer: Scorer, path: Path, counts: Counts) -> Iterator[Scored]:
    file, form = piece.source.key, format_of(piece.source.key)
    if form is None:
        raise BatchError(f"{file}: its name ends in no format that is known")
    for rows in read_rows(path, form, Wanted(scorer.contract, piece.keep), file=file):
        chunk = scorer.score(rows)
        counts.add(chunk)
        if piece.max_bad_rows != NO_BOUND and counts.bad_rows > piece.max_bad_rows:
            first = counts.problems[0]
            raise BatchError(
                f"{file}: more than {piece.max_bad_rows} of its rows break the contract; "
                f"first: row {first.row}, {first.column} {first.rule}"
            )
        yield chunk
