"""Intake of a training job's output: model.tar.gz -> candidate -> inspected -> stored by digest.

The job ran foreign code, so nothing in its output is believed: the archive holds exactly three
plain files of bounded size (and model.onnx, when the package names a model that lies apart), the
package is verified file by file, the model by an allow-list and by its golden requests in a bounded
process, whose memory is measured.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Protocol

from tidegate.encoding.encoder import Encoder
from tidegate.errors import IntakeError
from tidegate.package import keys
from tidegate.package.archive import Package, open_package
from tidegate.package.golden import check_golden
from tidegate.package.intake import MAX_MODEL_BYTES, inspect_model
from tidegate.package.manifest import MODEL
from tidegate.package.whole import joined, model_key
from tidegate.scoring.session import Session
from tidegate.training.house import House
from tidegate.training.report import JobReport
from tidegate.training.request import TrainingRequest
from tidegate.training.table import table_from_npz

LIMITS = {
    # member -> bytes that it may have
    "package.zip": 125_000_000,
    "holdout.npz": 200_000_000,
    "report.json": 1_000_000,
    MODEL: MAX_MODEL_BYTES,
}
OPTIONAL = {MODEL}
# What may be unpacked beside the files: a header has 512 bytes, of a file or extended (GNU, PAX).
MAX_HEADER_BYTES = 65_536


class Measured(Session, Protocol):
    """A session that tells how much memory (MiB) its last run needed at most."""

    peak_mb: int


OpenMeasured = Callable[[bytes], Measured]


@dataclass(frozen=True)
class Candidate:
    """A job's output as read; `model` is empty unless it lies apart."""

    package: bytes
    holdout: bytes
    report: JobReport
    model: bytes = b""


@dataclass(frozen=True)
class Stored:
    """Where an accepted candidate lies, and what memory (MiB) its model needs."""

    package: str  # digest
    size: int
    holdout: str  # key
    memory_mb: int

    def to_answer(self) -> dict[str, str | int]:
        """Return the state that the machine passes on."""
        return asdict(self)


def take_in(model: str, *, run: str, job: str, house: House, open_session: OpenMeasured) -> Stored:
    """Inspect and store what a job left; raise `PackageError`s saying what is wrong with it."""
    candidate = unpack(house.artifacts.get(keys.job_output(model, run, job)))
    request = TrainingRequest.from_json(house.artifacts.get(keys.run_request(model, run)))
    digest = hashlib.sha256(candidate.package).hexdigest()
    package = _with_model(open_package(candidate.package, digest=digest), candidate.model)
    _check_origin(package, request)
    inspect_model(package.model, package.contract)
    session = open_session(package.model)
    check_golden(package, session, Encoder(package.contract))
    table_from_npz(candidate.holdout, package.contract)
    holdout = keys.holdout_file(model, run)
    # Stored anew where the same bytes lie already: the sweep leaves alone what is young.
    if package.pointer:  # the model first: no package is there without it
        key = model_key(package, package.pointer)
        house.artifacts.put(key, package.model, overwrite=True)
    house.artifacts.put(keys.package_file(model, digest), candidate.package, overwrite=True)
    # A retried step writes it again; nobody else writes objects of this run.
    house.artifacts.put(holdout, candidate.holdout, overwrite=True)
    return Stored(digest, len(candidate.package), holdout, session.peak_mb)


def unpack(data: bytes) -> Candidate:
    """Read model.tar.gz; raise `IntakeError` on links, other members, sizes beyond the limits.

    No more is unpacked than the files that were found good and `MAX_HEADER_BYTES`.
    """
    found: dict[str, bytes] = {}
    unpacked = _Allowance(data)
    try:
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name in ("", ".") and member.isdir():
                    continue
                _check_member(member, name, found)
                unpacked.allow(member.size)
                stream = archive.extractfile(member)
                found[name] = stream.read(LIMITS[name]) if stream else b""
    # ValueError: what tarfile raises on some numbers in extended headers.
    except (tarfile.TarError, EOFError, OSError, OverflowError, ValueError, zlib.error) as error:
        raise IntakeError(f"model.tar.gz can't be read: {error}") from None
    missing = sorted(set(LIMITS) - OPTIONAL - set(found))
    if missing:
        raise IntakeError(f"model.tar.gz lacks {', '.join(missing)}")
    report = JobReport.from_json(found["report.json"])
    return Candidate(found["package.zip"], found["holdout.npz"], report, found.get(MODEL, b""))


class _Allowance(io.RawIOBase):
    """What a gzip file holds, to be read only as far as was allowed by then.

    `tarfile` takes in names and extended headers of any size and number before it shows a member.
    """

    def __init__(self, data: bytes) -> None:
        self._stream = gzip.GzipFile(fileobj=io.BytesIO(data))
        self._left = MAX_HEADER_BYTES

    def allow(self, size: int) -> None:
        """Let so many bytes more be read."""
        self._left += size

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; raise `IntakeError` where they are more than is allowed."""
        most = self._left + 1
        data = self._stream.read(most if size < 0 else min(size, most))
        self._left -= len(data)
        if self._left < 0:
            raise IntakeError(f"model.tar.gz has over {MAX_HEADER_BYTES} bytes beside its files")
        return data


def _with_model(package: Package, model: bytes) -> Package:
    """Return the package with the model beside it; one lies there if, and only if, it is named."""
    if package.pointer and not model:
        raise IntakeError(f"model.tar.gz lacks {MODEL}, which its package names")
    return joined(package, model) if package.pointer or model else package


def _check_member(member: tarfile.TarInfo, name: str, found: dict[str, bytes]) -> None:
    plain = member.isreg() and not member.issparse()
    if name not in LIMITS or not plain or name in found:
        raise IntakeError(f"model.tar.gz: {member.name[:100]!r} is not expected there")
    if not 0 <= member.size <= LIMITS[name]:
        raise IntakeError(
            f"model.tar.gz: {name} has {member.size} bytes; {LIMITS[name]} are allowed"
        )


def _check_origin(package: Package, request: TrainingRequest) -> None:
    """Raise `IntakeError` unless the package says it was made from what the run was given."""
    lineage = package.manifest.lineage
    claims = {
        "model": (package.contract.model, request.model),
        "data_digest": (lineage.data_digest, request.data_digest),
        "code_digest": (lineage.code_digest, request.code_digest),
        "seed": (lineage.seed, request.seed),
        "image": (lineage.image, request.image),
        "git_commit": (lineage.git_commit, request.git_commit),
        "git_dirty": (lineage.git_dirty, request.git_dirty),
    }
    for name, (claimed, given) in claims.items():
        if claimed != given:
            raise IntakeError(f"the package's {name} is {claimed!r}, the run was given {given!r}")
