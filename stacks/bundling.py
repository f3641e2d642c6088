"""Bundling: lock -> wheels of the target -> prune, cut -> compile -> cache, without Docker.

`build_layer` promises the same bytes for the same lock, target and compiler. `cached_layer` builds
once: a later synthesis takes the result from `.tidegate/layers/<digest>/` and needs no network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stacks.native import cut_debug_information
from stacks.recipes import RECIPES, Recipe
from tidegate.errors import LayerError

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".tidegate" / "layers"
BUILDER = "2"  # part of every digest: raise it when this file starts to build something else
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
_MEGABYTE = 1024 * 1024  # as Lambda counts


@dataclass(frozen=True)
class Target:
    """Where a layer will run. `host` means this very machine, as the local cloud does."""

    architecture: str
    python: str
    host: bool = False

    @property
    def platform(self) -> str:
        """The wheel platform in the words of uv; empty for this machine's own."""
        return "" if self.host else _PLATFORMS[self.architecture]


@cache
def compiler(python: str) -> str:
    """Find an interpreter of that minor version to compile with; empty when there is none."""
    check = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{python}')"
    for path in _interpreters(python):
        # A name proves nothing: pyenv's shims exist for versions that are not selected.
        if subprocess.run([path, "-I", "-c", check], capture_output=True, check=False).returncode:
            continue
        return str(path)
    return ""


def _interpreters(python: str) -> Iterator[Path]:
    name = f"python{python}"
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.executable)
    for folder in os.get_exec_path():
        if (path := Path(folder) / name).is_file():
            yield path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{python}.*/bin/{name}"), reverse=True)


def layer_digest(name: str, *, target: Target) -> str:
    """Return the digest of everything that decides a layer's content."""
    recipe = _recipe(name)
    digest = hashlib.sha256()
    compiled = "compiled" if compiler(target.python) else "source"
    for part in (BUILDER, repr(recipe), target.platform or sys.platform, target.architecture):
        digest.update(part.encode() + b"\0")
    digest.update(f"{target.python} {compiled}\0".encode())
    for path in _inputs(recipe):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def cached_layer(name: str, *, target: Target, store: Path = CACHE) -> Path:
    """Return the folder of a finished layer; build it if this is the first time."""
    finished = store / layer_digest(name, target=target)
    if finished.is_dir():
        return finished
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=f".{name}-") as scratch:
        build_layer(name, target=target, output=Path(scratch) / "layer")
        try:
            (Path(scratch) / "layer").rename(finished)
        except OSError:  # another process was first; its bytes are the same
            if not finished.is_dir():
                raise
    return finished


def build_layer(name: str, *, target: Target, output: Path) -> None:
    """Build the layer `name` into the folder `output`, laid out as Lambda unpacks it into /opt."""
    build(_recipe(name), target=target, output=output)


def build(recipe: Recipe, *, target: Target, output: Path) -> None:
    """Build a layer by its recipe; raise `LayerError` when it is larger than the recipe allows."""
    packages = output / "python"
    if recipe.from_lock:
        _install(recipe, target, packages)
    else:
        shutil.copytree(ROOT / "layers" / recipe.name / "python", packages)
    _prune(packages, recipe.left_out)
    for library in filter(Path.is_file, packages.rglob("*.so*")):
        cut_debug_information(library)
    _compile(packages, compiler(target.python))
    size = layer_size(output)
    if size > recipe.limit_mb * _MEGABYTE:
        raise LayerError(
            f"layer {recipe.name}: {size / _MEGABYTE:.0f} MB unpacked,"
            f" allowed are {recipe.limit_mb} MB (stacks/recipes.py)"
        )


def layer_size(folder: Path) -> int:
    """Return the size of a layer in bytes, unpacked."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise LayerError(f"layer {name!r} is unknown; there are {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def _inputs(recipe: Recipe) -> Iterator[Path]:
    """Yield the files that a layer is made from, in a stable order."""
    folder = ROOT / "layers" / recipe.name
    if recipe.from_lock:
        yield folder / "requirements.txt"
        return
    for path in sorted((folder / "python").rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def _install(recipe: Recipe, target: Target, packages: Path) -> None:
    lock = ROOT / "layers" / recipe.name / "requirements.txt"
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config"]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy"]
    command += ["--python-version", target.python, "--target", str(packages), "-r", str(lock)]
    if target.platform:
        command += ["--python-platform", target.platform]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise LayerError(f"layer {recipe.name}: uv could not install {lock.name}\n{result.stderr}")


def _prune(packages: Path, left_out: tuple[str, ...]) -> None:
    for pattern in left_out:
        for path in sorted(packages.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _compile(packages: Path, interpreter: str) -> None:
    """Add bytecode: it halves the import time of a cold start. Without the right compiler: none."""
    if not interpreter:
        return
    command = [interpreter, "-s", "-m", "compileall", "-q", "-j", "1"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(packages), "-p", "/opt/python"]
    # Sets are written in hash order, so the seed is part of reproducibility.
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"}
    result = subprocess.run(
        [*command, str(packages)], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise LayerError(f"{packages}: not all files compile\n{result.stdout}{result.stderr}")
