"""model.tar.gz, which a job made: only plain files of bounded size come out of it."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc

import pytest

from tests.fakes.training_house import tar_of
from tidegate.errors import IntakeError
from tidegate.training.intake import unpack
from tidegate.training.report import JobReport, Parity

REPORT = JobReport(600, 200, Parity(200, 0.0, 0, 0, 1e-5), metrics={}, seconds={})
OUTPUT = {"package.zip": b"zip", "holdout.npz": b"npz", "report.json": REPORT.to_json()}


def tar_with(member: tarfile.TarInfo, data: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def link(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"not a tar", "can't be read"),
        (tar_of({}), "lacks holdout.npz, package.zip, report.json"),
        (tar_of({"../package.zip": b"x"}), "'../package.zip' is not expected"),
        (tar_of({"model.pkl": b"x"}), "'model.pkl' is not expected"),
        (tar_with(link("package.zip")), "'package.zip' is not expected"),
        (tar_of({"report.json": b" " * 1_000_001}), "report.json has 1000001 bytes"),
    ],
    ids=["no tar", "empty", "path", "other member", "link", "too large"],
)
def test_an_archive_that_is_not_what_a_job_leaves_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(IntakeError, match=words):
        unpack(data)


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.map": "a,b", "GNU.sparse.size": "1"},
        {"GNU.sparse.size": "x"},
        {"GNU.sparse.map": "0,1", "GNU.sparse.size": "600"},
        {"size": "-5"},
    ],
    ids=["sparse without numbers", "sparse map", "sparse size", "sparse", "size below zero"],
)
def test_extended_headers_that_say_nonsense_are_refused(headers: dict[str, str]) -> None:
    member = tarfile.TarInfo("report.json")
    member.size, member.pax_headers = 600, headers
    with pytest.raises(IntakeError, match=r"can't be read|is not expected|bytes"):
        unpack(tar_with(member, b"x" * 600))


def extended(kind: bytes, size: int, *, times: int = 1) -> bytes:
    """Return an archive that begins with extended headers of so many bytes."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, size
    one = header.tobuf(tarfile.USTAR_FORMAT) + b"0" * (-(-size // 512) * 512)
    return gzip.compress(one * times + b"\0" * 10_240, mtime=0)


def dots(times: int) -> bytes:
    member = tarfile.TarInfo(".")
    member.type = tarfile.DIRTYPE
    return gzip.compress(member.tobuf() * times + b"\0" * 10_240, mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        extended(tarfile.GNUTYPE_LONGNAME, 20_000_000),
        extended(tarfile.XHDTYPE, 200_000),
        extended(tarfile.GNUTYPE_LONGNAME, 0, times=2000),
        dots(2000),
    ],
    ids=["long name", "PAX header", "a chain of names", "members"],
)
def test_no_more_is_unpacked_than_the_files_and_short_headers(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(IntakeError, match="65536 bytes beside its files"):
        unpack(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_members_may_have_extended_headers_of_an_ordinary_length() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, data in OUTPUT.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1.5
            member.pax_headers = {"comment": "c" * 1000}
            archive.addfile(member, io.BytesIO(data))
    assert unpack(buffer.getvalue()).package == OUTPUT["package.zip"]


def test_members_may_stand_under_a_dot_as_tar_writes_them() -> None:
    found = unpack(tar_of({f"./{name}": data for name, data in OUTPUT.items()}))
    assert found.package == OUTPUT["package.zip"]
