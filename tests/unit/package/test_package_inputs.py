"""What a package was made from: bounded, in one form, and equal to what its lineage says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.package import unpack
from tests.fakes.packages import (
    DATA_FILES,
    ENVIRONMENT_LINES,
    LINEAGE,
    package_bytes,
    package_files,
)
from tidegate.errors import DigestMismatchError, PackageError
from tidegate.package import inputs
from tidegate.package.archive import build_package, open_package, read_folder
from tidegate.package.inputs import (
    data_from_json,
    data_to_json,
    digest_of_files,
    environment_digest,
    environment_from_text,
)
from tidegate.registry.values import DataObject


def test_a_package_gives_its_environment_and_its_data_back() -> None:
    package = open_package(package_bytes())
    assert package.environment == ENVIRONMENT_LINES
    assert package.data == DATA_FILES


def test_the_environments_digest_is_the_sha256_of_the_file() -> None:
    text = package_files()["environment.txt"]
    assert hashlib.sha256(text).hexdigest() == environment_digest(ENVIRONMENT_LINES)


def test_the_order_of_the_files_does_not_count() -> None:
    assert data_to_json(reversed(DATA_FILES)) == data_to_json(DATA_FILES)
    assert digest_of_files(reversed(DATA_FILES)) == digest_of_files(DATA_FILES)


def test_the_data_digest_is_the_one_that_the_snapshot_takes() -> None:
    objects = [DataObject(f.key, "v9", f.checksum, f.size) for f in DATA_FILES]
    assert digest_of_files(DATA_FILES) == digest_of_files(objects)


def test_an_unpacked_package_answers_without_reading_what_it_was_made_from(tmp_path: Path) -> None:
    package = read_folder(unpack(package_bytes(), tmp_path))
    assert (package.environment, package.data) == ((), ())


@pytest.mark.parametrize(
    ("name", "other", "expected"),
    [
        ("environment.txt", b"python==3.11.9\n", "environment_digest"),
        ("data.json", data_to_json(DATA_FILES[:1]), "data_digest"),
        ("data.json", data_to_json([replace(DATA_FILES[0], size=1)]), "data_digest"),
    ],
    ids=["another environment", "a file less", "another size"],
)
def test_inputs_that_are_not_the_lineages_are_refused(
    name: str, other: bytes, expected: str
) -> None:
    files = {**package_files(), name: other}
    with pytest.raises(DigestMismatchError, match=expected):
        build_package(files, model="ferry-delay", lineage=LINEAGE, metrics={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "lines are expected"),
        (b"python==3.13.1", "the last one ended too"),
        (b"python==3.13.1\nnumpy 2\n", "line 2: name==value"),
        (b"python==3.13.1\n\n", "line 2: name==value"),
        ("python==3.13.1\nnümpy==2\n".encode(), "line 2: name==value"),
        (b"python==3.13.1\r\n", "line 1: name==value"),
        (b"a==1\n" * 60_000, "at most 200000 fit"),
    ],
    ids=["empty", "cut off", "no value", "empty line", "not ascii", "carriage return", "too long"],
)
def test_an_environment_of_another_form_is_refused(text: bytes, expected: str) -> None:
    with pytest.raises(PackageError, match=expected):
        environment_from_text(text)


FIRST = data_to_json(DATA_FILES[:1])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[]", "an object is expected"),
        (b'{"files":[],"format":1}', "1 to 20000 files"),
        (FIRST.replace(b'"format":1', b'"format":2'), "format 1 is expected, not 2"),
        (FIRST.replace(b'"rows":8', b'"rows":-8'), "2013-01-01.csv.gz': SHA-256, bytes and rows"),
        (FIRST.replace(b'"rows":8', b'"rows":true'), r"files\[0\].rows: a whole number"),
        (FIRST.replace(b"a" * 64, b"A" * 64), "SHA-256, bytes and rows"),
        (FIRST.replace(b'"rows"', b' "rows"'), "canonical form"),
        (data_to_json([*DATA_FILES, DATA_FILES[0]]), "canonical form"),
        (data_to_json([*DATA_FILES, replace(DATA_FILES[0], rows=1)]), "canonical form"),
        (b" " * 10_000_001, "at most 10000000 fit"),
    ],
    ids=["a list", "no file", "format", "negative", "bool", "digest", "space", "twin",
         "one key twice", "too long"],
)  # fmt: skip
def test_a_list_of_data_of_another_form_is_refused(data: bytes, expected: str) -> None:
    with pytest.raises(PackageError, match=expected):
        data_from_json(data)


def test_more_files_than_a_package_lists_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_DATA_FILES", 1)
    with pytest.raises(PackageError, match="1 to 1 files are expected"):
        data_from_json(data_to_json(DATA_FILES))
