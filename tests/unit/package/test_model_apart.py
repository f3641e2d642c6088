"""A model too large for its package lies apart: named by digest, verified wherever it is read."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.package import unpack
from tests.fakes.packages import LINEAGE, model_apart, package_bytes, package_files
from tidegate.errors import DigestMismatchError, IntakeError, PackageError
from tidegate.package import keys
from tidegate.package.archive import _zip, build_package, open_package, read_folder
from tidegate.package.fitting import check_memory
from tidegate.package.manifest import FILES_APART
from tidegate.package.pointer import ModelPointer, pointer_from_json, pointer_to_json
from tidegate.package.whole import check_stored, joined, model_key, whole

INLINE = package_bytes()
APART, MODEL = model_apart(INLINE)
SHA256 = hashlib.sha256(MODEL).hexdigest()
POINTER = ModelPointer(SHA256, len(MODEL))
Files = dict[str, bytes]


def built(max_bytes: int) -> bytes:
    return build_package(
        package_files(),
        model="ferry-delay",
        lineage=LINEAGE,
        metrics={"rmse": 1.5},
        max_bytes=max_bytes,
    )


def files_of(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def stored(model: bytes = MODEL) -> MemoryArtifacts:
    artifacts = MemoryArtifacts()
    artifacts.put(model_key(open_package(APART), POINTER), model)
    return artifacts


def test_the_model_is_left_out_when_the_package_is_one_byte_too_large() -> None:
    assert built(len(INLINE)) == INLINE
    assert built(len(INLINE) - 1) == APART


def test_packages_that_hold_their_model_have_the_bytes_that_they_always_had() -> None:
    files = {**package_files(), "model.onnx": b"model" * 100}
    data = build_package(files, model="ferry-delay", lineage=LINEAGE, metrics={"rmse": 1.5})
    assert (
        hashlib.sha256(data).hexdigest()
        == "59d698bef2881fa0a28fa1b8112fb2ed6ba6c33ba72bf4f616e7bce629b45ac8"
    )


def test_a_package_without_its_model_names_it_and_says_all_else() -> None:
    inline, apart = open_package(INLINE), open_package(APART)

    assert apart.pointer == POINTER
    assert apart.model == b""
    assert apart.manifest == inline.manifest  # which holds the model's digest either way
    assert (apart.contract, apart.golden, apart.data) == (
        inline.contract,
        inline.golden,
        inline.data,
    )
    assert tuple(files_of(APART)) == FILES_APART
    assert inline.pointer is None


def test_another_model_gives_another_package() -> None:
    other, _ = model_apart(package_bytes(model_onnx=MODEL + b"\x00"))
    assert open_package(other).digest != open_package(APART).digest


def with_both(files: Files) -> Files:
    return {"model.onnx": MODEL, **files}


def with_neither(files: Files) -> Files:
    return {name: data for name, data in files.items() if name != "model.json"}


def with_another_size(files: Files) -> Files:
    return {**files, "model.json": pointer_to_json(ModelPointer(SHA256, 0))}


def with_another_digest(files: Files) -> Files:
    return {**files, "model.json": pointer_to_json(ModelPointer("a" * 64, len(MODEL)))}


def with_a_path(files: Files) -> Files:
    return {**files, "model.json": pointer_to_json(ModelPointer("../../other", len(MODEL)))}


def with_spaces(files: Files) -> Files:
    return {**files, "model.json": files["model.json"] + b" "}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_both, "no part of a package: 'model.json'"),
        (with_neither, "missing from the package: model.onnx"),
        (with_another_size, r"model\.json: a SHA-256 \(hex\) and the model's bytes"),
        (with_another_digest, r"model\.json: its SHA-256 is not the one of model\.onnx"),
        (with_a_path, r"model\.json: a SHA-256 \(hex\) and the model's bytes"),
        (with_spaces, r"model\.json: not in canonical form"),
    ],
)
def test_a_pointer_that_is_altered_is_refused(change: Callable[[Files], Files], words: str) -> None:
    changed = change(files_of(APART))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in changed.items():
            archive.writestr(name, data)
    data = buffer.getvalue() if change in (with_both, with_neither) else _zip(changed)
    with pytest.raises(PackageError, match=words):
        open_package(data)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"sha256": 1}', b'{"format":2,"sha256":"","size":1}']
)
def test_what_is_no_pointer_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(PackageError, match=r"^model\.json: "):
        pointer_from_json(raw)


def test_a_folder_says_by_which_digest_its_model_is_found(tmp_path: Path) -> None:
    package = read_folder(unpack(APART, tmp_path))
    assert package.digest == hashlib.sha256(APART).hexdigest()
    assert package.pointer == POINTER
    key = model_key(package, POINTER)
    assert key == f"packages/ferry-delay/{package.digest}/{SHA256}.onnx"


def test_the_whole_package_has_the_model_that_was_named() -> None:
    package = open_package(APART)
    found = whole(package, stored())
    assert found.model == MODEL
    assert found.digest == package.digest
    check_stored(package, stored())


def test_a_package_that_holds_its_model_is_whole() -> None:
    package = open_package(INLINE)
    assert whole(package, MemoryArtifacts()) is package
    check_stored(package, MemoryArtifacts())
    with pytest.raises(PackageError, match=r"holds its model\.onnx"):
        joined(package, MODEL)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (MODEL[:-1] + b"!", "its SHA-256 is"),
        (MODEL + b"!", f"{len(MODEL) + 1} bytes, but its package says {len(MODEL)}"),
    ],
)
def test_other_bytes_in_its_place_are_refused(model: bytes, words: str) -> None:
    package, artifacts = open_package(APART), stored(model)
    with pytest.raises(DigestMismatchError, match=words):
        whole(package, artifacts)
    with pytest.raises(DigestMismatchError, match=words):
        check_stored(package, artifacts)


def test_a_model_that_is_gone_is_named() -> None:
    package = open_package(APART)
    with pytest.raises(DigestMismatchError, match=f"is gone: .*{SHA256}"):
        whole(package, MemoryArtifacts())
    with pytest.raises(DigestMismatchError, match=f"is gone: .*{SHA256}"):
        check_stored(package, MemoryArtifacts())


def test_keys_of_models_lie_below_their_package() -> None:
    key = keys.model_file("iris", "a" * 64, "b" * 64)
    assert key.startswith(keys.package_prefix("iris") + "a" * 64 + "/")


def test_what_fits_exactly_fits_and_the_error_names_what_to_set() -> None:
    check_memory(448, memory_mb=512, size=1)
    with pytest.raises(IntakeError, match=r"\(25,000,000 bytes\) needs 513 MB.*at least 513 in"):
        check_memory(449, memory_mb=512, size=25_000_000)
    with pytest.raises(IntakeError, match="more than Lambda's 10,240: train a smaller one"):
        check_memory(10_200, memory_mb=512, size=1)
