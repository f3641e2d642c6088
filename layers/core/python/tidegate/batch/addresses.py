"""Where a job may read and write, and the names that its objects get.

In the environment's own bucket that is below `batch/` only; other buckets are those of the list
`batch_buckets` in cdk.json, whole. Keys are derived from the input's, below the output's prefix.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from tidegate.batch.values import FORMATS, Format
from tidegate.errors import RequestError
from tidegate.settings import BATCH_JOBS_PREFIX as JOBS_PREFIX
from tidegate.settings import BATCH_PREFIX as OWN_PREFIX
from tidegate.settings import is_model_name

PARTS = "_parts/"  # below the output: one record per object
MANIFEST = "manifest.json"  # below the output
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
LONGEST = 900  # bytes of a prefix; S3 takes 1,024 of a key


@dataclass(frozen=True)
class Address:
    """A bucket and a prefix or key in it."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """Return the `s3://` form."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Buckets:
    """The buckets that jobs may use: the environment's `own`, and `others` by name."""

    own: str
    others: Collection[str] = ()

    def read(self, text: str, *, what: str) -> Address:
        """Return the address of `s3://bucket/key`; raise `RequestError` when it isn't allowed."""
        address = _parse(text, what)
        if address.bucket == self.own:
            if not address.key.startswith(OWN_PREFIX):
                raise RequestError(
                    f"{what} {text!r}: in the environment's own bucket, "
                    f"batch jobs use s3://{self.own}/{OWN_PREFIX}... only"
                )
        elif address.bucket not in self.others:
            raise RequestError(
                f"{what} {text!r}: bucket {address.bucket!r} is not open to batch jobs; use "
                f"s3://{self.own}/{OWN_PREFIX}... or add it to batch_buckets in cdk.json and deploy"
            )
        return address


def output_prefix(address: Address) -> str:
    """Return the prefix of a job's outputs, which ends in a slash."""
    return address.key if not address.key or address.key.endswith("/") else f"{address.key}/"


def apart(source: Address, out: Address) -> None:
    """Raise `RequestError` when outputs would lie among the inputs, or inputs among them."""
    if source.bucket != out.bucket:
        return
    prefix = output_prefix(out)
    if prefix.startswith(source.key) or source.key.startswith(prefix):
        raise RequestError(f"--out {out} and the input {source} lie within each other")


def format_of(key: str) -> Format | None:
    """Return the format that a key's ending names.

    >>> format_of("a/b.jsonl"), format_of("a/_SUCCESS")
    ('jsonl', None)
    """
    return next((form for form in FORMATS if key.lower().endswith(f".{form}")), None)


def output_name(key: str, *, prefix: str, form: Format) -> str:
    """Return the name of an output below --out.

    >>> output_name("in/day/a.csv", prefix="in/", form="csv")
    'day/a.csv'
    >>> output_name("in/day/a.csv", prefix="in/day/a.csv", form="parquet")
    'a.csv.parquet'
    """
    folder = prefix[: prefix.rfind("/") + 1]
    name = key.removeprefix(folder)
    return name if format_of(name) == form else f"{name}.{form}"


def job_prefix(model: str, job: str) -> str:
    """Return the prefix of a job's own notes; raise `RequestError` on names of another form."""
    if not is_model_name(model):
        raise RequestError(f"{model!r} is no model name: use a-z, 0-9 and -, at most 63 characters")
    if _JOB.fullmatch(job) is None:
        raise RequestError(f"{job!r} is no job id: use letters, digits, '_' and '-'")
    return f"{JOBS_PREFIX}{model}/{job}/"


def _parse(text: str, what: str) -> Address:
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or _BUCKET.fullmatch(bucket) is None:
        raise RequestError(f"{what} {text!r}: s3://bucket/prefix is expected")
    if not key.isprintable() or len(key.encode()) > LONGEST:
        raise RequestError(f"{what} {text!r}: its key is too long or not printable")
    if any(part in (".", "..") for part in key.split("/")) or "//" in f"/{key}":
        raise RequestError(f"{what} {text!r}: '.', '..' and empty parts are not taken in a key")
    return Address(bucket, key)
