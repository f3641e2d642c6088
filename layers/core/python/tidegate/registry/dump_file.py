"""A dump: a registry, or some of its models, as a file of JSON lines.

header   environment, account, region, time, and how many rows each model has
rows     model by model, each in the order of its sort keys, its META last
trailer  how many rows, and the SHA-256 of their lines

What differs between two dumps of equal rows stands in the header alone, which has a SHA-256 of its
own: so nothing in a dump can change unseen by accident. It is no signature; who forges can count.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import BinaryIO

from tidegate.decoding import canonical_json, decode, parse_json
from tidegate.errors import CorruptRecordError

FORMAT = "tidegate/registry/1"
LONGEST_LINE = 4_000_000  # bytes; a row has at most 400 KB, its JSON escapes included


@dataclass(frozen=True)
class Header:
    """Where and when a dump was taken, and the number of rows of each model, in order of names."""

    env: str
    account: str
    region: str
    exported: str  # time, as a stamp
    models: dict[str, int]
    format: str = FORMAT

    @property
    def rows(self) -> int:
        """How many rows the dump has."""
        return sum(self.models.values())

    def to_line(self) -> bytes:
        """Return the header's one line."""
        said = asdict(self)
        check = hashlib.sha256(canonical_json(said)).hexdigest()
        return canonical_json({**said, "sha256": check}) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Header:
        """Read a header back; raise `CorruptRecordError` for anything but what `to_line` writes."""
        try:
            said = parse_json(line)
            if not isinstance(said, dict) or said.get("format") != FORMAT:
                raise ValueError(f"no registry's dump in the format {FORMAT!r}")
            header = decode(cls, {name: said[name] for name in said if name != "sha256"})
        except ValueError as error:
            raise CorruptRecordError(f"line 1: {error}") from None
        if header.to_line() != line:
            raise CorruptRecordError("line 1: the header is not what was written")
        return header


def trailer(rows: int, sha256: str) -> bytes:
    """Return a dump's last line."""
    return canonical_json({"rows": rows, "sha256": sha256}) + b"\n"


def read_line(file: BinaryIO, number: int) -> bytes:
    """Return the next line, which is number `number`; raise when the file ends before its end."""
    line = file.readline(LONGEST_LINE)
    if len(line) == LONGEST_LINE:
        raise CorruptRecordError(f"line {number}: longer than any row of a registry")
    if not line.endswith(b"\n"):
        raise CorruptRecordError(f"line {number}: the file ends here and has no end: it was cut")
    return line
