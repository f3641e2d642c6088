"""Layers are built the same way every time, pruned, and below their limits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from stacks import bundling
from stacks.bundling import (
    Target,
    build_layer,
    cached_layer,
    compiler,
    layer_digest,
    layer_size,
)
from stacks.recipes import RECIPES
from tests.layers.conftest import LAMBDA
from tidegate.errors import LayerError

AWS = Target("arm64", LAMBDA)
LAMBDA_LIMIT = 250 * 1024 * 1024
TOGETHER = [("core", "sdk"), ("core", "sdk", "inference"), ("core", "sdk", "analytics")]


def content(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below `folder`, by path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["core", "sdk", "inference"])
def test_two_builds_are_byte_identical(name: str, here: Target, tmp_path: Path) -> None:
    for folder in ("first", "a-folder-with-a-longer-name"):
        build_layer(name, target=here, output=tmp_path / folder)
    first = content(tmp_path / "first")
    assert first == content(tmp_path / "a-folder-with-a-longer-name")
    assert any(path.endswith(".pyc") for path in first)


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_layer_for_aws_is_below_its_limit(name: str, architecture: str) -> None:
    size = layer_size(cached_layer(name, target=replace(AWS, architecture=architecture)))
    assert 0 < size <= RECIPES[name].limit_mb * 1024 * 1024


@pytest.mark.parametrize("names", TOGETHER, ids="+".join)
def test_layers_of_one_function_fit_into_lambda(names: tuple[str, ...]) -> None:
    assert sum(layer_size(cached_layer(name, target=AWS)) for name in names) < LAMBDA_LIMIT


def test_layer_for_aws_holds_code_of_that_platform() -> None:
    files = content(cached_layer("inference", target=AWS))
    modules = [path for path in files if path.endswith(".so") and "cpython" in path]
    assert modules
    assert all("cpython-313-aarch64" in path for path in modules)


def test_onnx_runtime_is_there_once() -> None:
    paths = content(cached_layer("inference", target=AWS))
    shipped = sorted(Path(path).name for path in paths if path.startswith("python/onnxruntime/"))
    library = [name for name in shipped if name.startswith("libonnxruntime.so.1.")]
    assert len(library) == 1
    assert {"LICENSE", "ThirdPartyNotices.txt"} < set(shipped)
    assert not [name for name in shipped if "pybind11" in name or name.endswith((".py", ".pyc"))]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_layer_is_pruned_and_names_no_machine(name: str) -> None:
    folder = cached_layer(name, target=AWS)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    parts = {part for path in paths for part in path.relative_to(folder).parts}
    assert not parts & {"tests", "bin", "RECORD", "direct_url.json"}
    assert not [path for path in paths if path.suffix in (".pyi", ".pxd", ".a", ".h")]
    here = str(bundling.ROOT).encode()
    assert not [path for path in paths if path.suffix == ".pyc" and here in path.read_bytes()]


def test_licences_stay() -> None:
    files = content(cached_layer("inference", target=AWS))
    assert "python/onnxruntime/LICENSE" in files
    assert [path for path in files if "numpy" in path and "LICENSE" in path]


def test_digest_depends_on_the_target() -> None:
    targets = [AWS, replace(AWS, architecture="x86_64"), replace(AWS, python="3.12")]
    assert len({layer_digest("inference", target=target) for target in targets}) == 3


def test_digest_depends_on_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "layers" / "sdk" / "requirements.txt"
    lock.parent.mkdir(parents=True)
    monkeypatch.setattr(bundling, "ROOT", tmp_path)
    digests = set()
    for text in ("boto3==1.0", "boto3==1.1", "boto3==1.0"):
        lock.write_text(text)
        digests.add(layer_digest("sdk", target=AWS))
    assert len(digests) == 2


def test_digest_of_the_core_ignores_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "layers" / "core" / "python" / "tidegate"
    (library / "__pycache__").mkdir(parents=True)
    (library / "errors.py").write_text("x = 1\n")
    monkeypatch.setattr(bundling, "ROOT", tmp_path)
    before = layer_digest("core", target=AWS)
    (library / "__pycache__" / "errors.cpython-311.pyc").write_bytes(b"compiled")
    assert layer_digest("core", target=AWS) == before
    (library / "errors.py").write_text("x = 2\n")
    assert layer_digest("core", target=AWS) != before


def test_a_finished_layer_needs_no_index(
    here: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = cached_layer("core", target=here, store=tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(bundling, "build_layer", None)
    assert cached_layer("core", target=here, store=tmp_path) == finished
    assert [path.name for path in tmp_path.iterdir()] == [finished.name]


def test_layer_above_its_limit_is_refused(
    here: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "core", replace(RECIPES["core"], limit_mb=0))
    with pytest.raises(LayerError, match=r"layer core: \d+ MB unpacked, allowed are 0 MB"):
        build_layer("core", target=here, output=tmp_path / "core")


def test_lock_with_a_wrong_hash_is_refused(
    here: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "layers" / "sdk" / "requirements.txt"
    lock.parent.mkdir(parents=True)
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(bundling, "ROOT", tmp_path)
    with pytest.raises(LayerError, match="layer sdk: uv could not install"):
        build_layer("sdk", target=here, output=tmp_path / "layer")


def test_unknown_layer_is_refused() -> None:
    with pytest.raises(LayerError, match="layer 'torch' is unknown; there are analytics, core"):
        layer_digest("torch", target=AWS)


def test_without_the_right_compiler_there_is_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    target = replace(AWS, python="3.99")
    build_layer("core", target=target, output=tmp_path / "core")
    assert not list(tmp_path.rglob("*.pyc"))


def test_an_interpreter_of_another_version_is_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "python3.98"
    impostor.write_text("#!/bin/sh\nexit 1\n")
    impostor.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler("3.98") == ""


def test_an_interpreter_that_pyenv_keeps_is_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "versions" / "3.97.2" / "bin" / "python3.97"
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\nexit 0\n")
    kept.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert compiler("3.97") == str(kept)
