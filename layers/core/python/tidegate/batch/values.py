"""What a batch job is told, what it does piece by piece, and what it leaves behind.

Order -> plan -> Piece (one input object) -> Part (one output object) -> Manifest
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import Problem, RequestError

Format = Literal["csv", "jsonl", "parquet"]
Status = Literal["complete", "incomplete", "failed"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet")
LAYOUT = 2  # of outputs and manifests; part of every identity
NO_BOUND = -1  # of `max_bad_rows`


@dataclass(frozen=True)
class Order:
    """A job as it was asked for; `job` is its id and its execution's name."""

    job: str
    model: str
    source: str  # s3:// address of an object or of a prefix
    out: str  # s3:// address of a prefix
    actor: str
    reason: str
    version: int = 0  # 0: the champion
    format: Literal["", "csv", "jsonl", "parquet"] = ""  # empty: that of each input
    keep: tuple[str, ...] = ()  # columns of the input that are copied to the output
    max_bad_rows: int = NO_BOUND  # an object with more of them counts as failed
    tolerated_percent: int = 0  # of the objects that may fail; the map takes whole numbers
    concurrency: int = 20
    resume: bool = True  # leave alone what an earlier job did from the same inputs

    @classmethod
    def from_event(cls, event: object) -> Order:
        """Read a state machine's input; raise `RequestError` naming the field at fault."""
        try:
            return decode(cls, event)
        except ValueError as error:
            raise RequestError(f"batch order: {error}") from None


@dataclass(frozen=True)
class Source:
    """An input object as it was listed; `etag` is what its content is pinned by."""

    bucket: str
    key: str
    etag: str
    size: int  # bytes


@dataclass(frozen=True)
class Piece:
    """One object to be scored: an item of the map, complete in itself."""

    job: str
    model: str
    version: int
    digest: str  # SHA-256 of the package
    source: Source
    out_bucket: str
    out_key: str
    part_key: str  # where the record of what was done lies, in the same bucket
    format: Format
    keep: tuple[str, ...]
    max_bad_rows: int
    resume: bool

    @property
    def identity(self) -> str:
        """SHA-256 of all that decides the output's bytes and whether they are accepted."""
        decisive = (
            LAYOUT,
            self.model,
            self.digest,
            (self.source.bucket, self.source.key, self.source.etag, self.source.size),
            (self.out_bucket, self.out_key, self.format, self.keep, self.max_bad_rows),
        )
        return hashlib.sha256(canonical_json(decisive)).hexdigest()

    @classmethod
    def from_event(cls, event: object) -> Piece:
        """Read an item of the map; raise `RequestError` naming the field at fault."""
        try:
            return decode(cls, event)
        except ValueError as error:
            raise RequestError(f"batch piece: {error}") from None


@dataclass(frozen=True)
class Stored:
    """One object as it was read or written: its exact version and the SHA-256 of its bytes."""

    bucket: str
    key: str
    version_id: str  # empty in a bucket without versions
    sha256: str
    size: int  # bytes


@dataclass(frozen=True)
class Part:
    """What became of one piece; `error` is why there is no output. `problems` are the first 20."""

    identity: str
    job: str  # that did it
    input: Stored
    output: Stored | None = None
    rows: int = 0
    bad_rows: int = 0
    problems: tuple[Problem, ...] = ()
    error: str = ""

    def to_json(self) -> bytes:
        """Return the canonical bytes."""
        return canonical_json(self)

    @classmethod
    def from_json(cls, data: bytes) -> Part | None:
        """Read a record back; None when it isn't one, so that the piece is done again."""
        try:
            return decode(cls, parse_json(data))
        except ValueError:
            return None


@dataclass(frozen=True)
class Totals:
    """Sums over a job; `reused` objects were done by an earlier one."""

    objects: int
    succeeded: int
    failed: int
    reused: int
    rows: int
    bad_rows: int


@dataclass(frozen=True)
class Manifest:
    """What a job leaves under its output: what was read, what was written, by which package."""

    format: int
    job: str
    model: str
    version: int
    package_digest: str
    source: str
    out: str
    actor: str
    reason: str
    started: str  # ISO 8601, UTC
    ended: str
    status: Status
    totals: Totals
    objects: tuple[Part, ...] = ()
    failures: tuple[Part, ...] = ()
    tolerated_percent: int = 0
    keep: tuple[str, ...] = field(default=())
