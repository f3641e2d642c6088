"""A pushed folder: its files are those of its digest, and nothing of it leads out of the folder."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.sides import CODE, MODEL, PROJECT, zipped
from tidegate.errors import DigestMismatchError, PackageError, ProjectError
from tidegate.package.code_archive import MAX_CODE_BYTES, code_digest, declared_in, read_code
from tidegate_cli import code


def test_a_folder_is_read_back_and_declares_what_it_declared() -> None:
    files = read_code(zipped(CODE), digest=code_digest(CODE))
    assert files == CODE
    assert declared_in(files, model=MODEL).to_json() == PROJECT.to_json()


def test_what_is_pushed_is_read() -> None:
    assert read_code(code.pack(CODE), digest=code_digest(CODE)) == CODE


@pytest.mark.parametrize("change", [{"train.py": b"x"}, {"more.py": b""}])
def test_other_files_are_refused(change: dict[str, bytes]) -> None:
    with pytest.raises(DigestMismatchError, match="other code"):
        read_code(zipped(CODE | change), digest=code_digest(CODE))


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "a\\..\\x"])
def test_a_path_out_of_the_folder_is_refused(path: str) -> None:
    files = {path: b"x"}
    with pytest.raises(PackageError, match="leads out of the folder"):
        read_code(zipped(files), digest=code_digest(files))


def test_what_inflates_is_refused_before_it_does() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(MAX_CODE_BYTES + 1))
    with pytest.raises(PackageError, match="more than 20,000,000 bytes"):
        read_code(buffer.getvalue(), digest="a" * 64)


def test_a_folder_of_another_model_is_refused() -> None:
    with pytest.raises(ProjectError, match="name"):
        declared_in(CODE, model="harbour-fee")


STORED, DEFLATED = zipped(CODE), code.pack(CODE)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from([STORED, DEFLATED]), st.integers(0, len(DEFLATED) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_the_same_files_or_is_refused(
    archive: bytes, where: int, mask: int
) -> None:
    changed = bytearray(archive)
    changed[where] ^= mask
    try:
        files = read_code(bytes(changed), digest=code_digest(CODE))
    except PackageError:
        return
    assert files == CODE
