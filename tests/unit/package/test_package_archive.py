"""The archive: equal inputs give equal bytes; bytes that differ anywhere are refused by name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.onnx_models import CONTRACT
from tests.fakes.packages import (
    GOLDEN_REQUESTS,
    LINEAGE,
    REFERENCE_VALUES,
    package_bytes,
    package_files,
)
from tidegate.errors import DigestMismatchError, PackageError
from tidegate.package.archive import (
    _zip,
    build_package,
    code_sha256,
    open_package,
    read_folder,
)
from tidegate.package.manifest import FILES, MANIFEST

PACKAGE = package_bytes()
DIGEST = hashlib.sha256(PACKAGE).hexdigest()


def rezipped(
    change: Callable[[dict[str, bytes]], dict[str, bytes]], *, compression: int = zipfile.ZIP_STORED
) -> bytes:
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        files = change({name: archive.read(name) for name in archive.namelist()})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_what_is_packed_is_read_back() -> None:
    package = open_package(PACKAGE, digest=DIGEST)

    assert package.digest == DIGEST
    assert package.contract == CONTRACT
    assert package.reference == REFERENCE_VALUES
    assert package.golden == GOLDEN_REQUESTS
    assert package.model == package_files()["model.onnx"]
    assert package.card == "# Ferry delay\n"
    assert package.manifest.metrics == {"rmse": 1.5}
    assert package.manifest.lineage == replace(LINEAGE, training_job="")


def test_equal_inputs_give_equal_bytes_whatever_job_and_champion_there_were() -> None:
    assert package_bytes(job="job-2", parent=4) == PACKAGE


def test_equal_inputs_give_equal_bytes_in_another_process_with_other_hashing() -> None:
    code = (
        "import hashlib; from tests.fakes.packages import package_bytes;"
        "print(hashlib.sha256(package_bytes()).hexdigest())"
    )
    environment = {"PYTHONHASHSEED": "123", "TZ": "Asia/Tokyo", "PYTHONPATH": ":".join(sys.path)}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert child.stdout.strip() == DIGEST


def test_the_form_of_the_zip_never_changes() -> None:
    files = {name: name.encode() for name in FILES}

    # A new digest here means that every package ever registered would be refused.
    assert hashlib.sha256(_zip(files)).hexdigest() == (
        "ad65e5ddc3ca3537c10d181d227e7de661d296230aa81517c914fac838d55d6d"
    )


def test_members_are_readable_by_everybody_and_stored_in_order() -> None:
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        members = archive.infolist()

    assert tuple(member.filename for member in members) == FILES
    assert {member.external_attr >> 16 for member in members} == {stat.S_IFREG | 0o644}
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}


def test_the_code_sha256_of_lambda_is_the_digest_in_base64() -> None:
    assert base64.b64decode(code_sha256(DIGEST)).hex() == DIGEST


def test_another_digest_is_refused() -> None:
    with pytest.raises(DigestMismatchError, match=DIGEST):
        open_package(PACKAGE, digest="0" * 64)


@given(st.integers(0, len(PACKAGE) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_one_changed_byte_is_always_refused(place: int, change: int) -> None:
    data = bytearray(PACKAGE)
    data[place] ^= change

    with pytest.raises(PackageError):
        open_package(bytes(data))


@pytest.mark.parametrize("size", [0, 1, 100, len(PACKAGE) // 2, len(PACKAGE) - 1])
def test_a_package_cut_off_is_refused(size: int) -> None:
    with pytest.raises(PackageError):
        open_package(PACKAGE[:size])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "not a package"),
        (b"no zip", "not a package"),
        (b"x" + PACKAGE, "canonical form"),
        (PACKAGE + b"x", "not a package|canonical form"),
        (rezipped(lambda files: files), "canonical form"),
        (rezipped(lambda files: files, compression=zipfile.ZIP_DEFLATED), "stored as it is"),
        (rezipped(lambda files: {**files, "../x": b""}), r"no part of a package: '\.\./x'"),
        (rezipped(lambda files: {**files, "handler.py": b""}), "no part of a package"),
        (rezipped(lambda files: {**files, "/etc/x": b""}), "no part of a package"),
        (rezipped(lambda files: dict(list(files.items())[1:])), "missing.*model.onnx"),
        (rezipped(lambda files: {**files, "model.onnx": b"\0" * 10**8},
                  compression=zipfile.ZIP_DEFLATED), "stored as it is"),
    ],
    ids=["empty", "text", "prefix", "suffix", "dates", "deflated", "path", "code", "absolute",
         "missing", "bomb"],
)  # fmt: skip
def test_a_zip_of_another_form_is_refused(data: bytes, expected: str) -> None:
    with pytest.raises(PackageError, match=expected):
        open_package(data)


def test_a_member_that_stands_twice_is_refused() -> None:
    buffer = io.BytesIO(PACKAGE)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("model.onnx", b"other")

    with pytest.raises(PackageError, match="stands twice"):
        open_package(buffer.getvalue())


def test_a_file_changed_after_packing_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        archive.extractall(tmp_path)
    assert read_folder(tmp_path).contract == CONTRACT
    assert read_folder(tmp_path).digest == ""

    (tmp_path / "card.md").write_text("# Better\n")
    with pytest.raises(DigestMismatchError, match=r"card\.md"):
        read_folder(tmp_path)

    (tmp_path / "card.md").unlink()
    with pytest.raises(PackageError, match=r"card\.md"):
        read_folder(tmp_path)


def changed(name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    files = package_files()
    assert files[name].count(old) >= 1, files[name]
    return {**files, name: files[name].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        (
            "contract.json",
            b'"nullable":false',
            b'"nullable":0',
            r"contract.json: columns\[0\].null",
        ),
        ("contract.json", b'"ferry-delay"', b'"other"', "of model 'other', not 'ferry-delay'"),
        ("contract.json", b'"regression"', b'"guess"', "task: one of"),
        ("reference.json", b"[1.0,2.5]", b"[2.5,1.0]", "columns.wind.bins.edges must increase"),
        ("reference.json", b"[3,4,5]", b"[3,4]", "3 cells are expected, not 2"),
        ("reference.json", b"[3,4,5]", b"[3,4,-5]", "counts can't be negative"),
        ("reference.json", b"[3,4,5]", b"[3,4,5.0]", "a whole number is expected"),
        ("reference.json", b'"north","south"', b'"south","north"', "levels are not the contract's"),
        ("reference.json", b'"harbour":', b'"port":', "columns differ from the contract's"),
        ("reference.json", b"4.5", b"NaN", "NaN is not JSON"),
        ("reference.json", b"4.5", b"1e999", "scale: a finite number"),
        ("golden.json", b"[16.0]", b"[16.0,1.0]", "answer 0: 1 scores are expected, not 2"),
        ("golden.json", b"[16.0],", b"", "as many answers as requests"),
        ("golden.json", b'"tolerance":0.0001', b'"tolerance":10', "tolerance"),
        ("golden.json", b'"records"', b'"recs"', "recs: no such field"),
        ("card.md", b"#", b"\xff", "UTF-8"),
    ],
)
def test_contents_that_do_not_fit_are_refused_when_packed(
    name: str, old: bytes, new: bytes, expected: str
) -> None:
    with pytest.raises(PackageError, match=expected):
        build_package(changed(name, old, new), model="ferry-delay", lineage=LINEAGE, metrics={})


def test_a_missing_or_foreign_file_is_refused_when_packed() -> None:
    files = package_files()
    del files["card.md"]

    with pytest.raises(PackageError, match=r"missing from the package: card\.md"):
        build_package(files, model="ferry-delay", lineage=LINEAGE, metrics={})
    with pytest.raises(PackageError, match=r"no part of a package: 'x\.py'"):
        build_package(
            {**package_files(), "x.py": b""}, model="ferry-delay", lineage=LINEAGE, metrics={}
        )


def test_a_metric_that_is_no_number_is_refused() -> None:
    with pytest.raises(PackageError, match=r"manifest\.json"):
        build_package(
            package_files(), model="ferry-delay", lineage=LINEAGE, metrics={"auc": float("nan")}
        )


def test_the_manifest_is_plain_json_with_the_digest_of_each_file() -> None:
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert manifest["model"] == "ferry-delay"
