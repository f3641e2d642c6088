"""Recipes: what goes into each Lambda layer, what is left out of it, and how large it may be.

The names are those of the folders in `layers/`. `core` is our own library; the others are wheels
from a lock. Lambda unpacks a function and its layers into at most 250 MB of 1024 x 1024 bytes:
core + sdk + analytics fit, and core + inference leave 160 MB for a model.
"""

from __future__ import annotations

from dataclasses import dataclass

# In every wheel: tests and what only compilers, type checkers and installers read.
_NEVER_IMPORTED = (
    "bin",
    "**/tests",
    "**/__pycache__",
    "**/*.pyi",
    "**/py.typed",
    "**/*.pxd",
    "**/*.pyx",
    "**/*.h",
    "**/*.cpp",
    "**/*.a",
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
    "*.dist-info/direct_url.json",
    "*.dist-info/entry_points.txt",
    "*.dist-info/top_level.txt",
    "*.dist-info/sboms",
    "numpy/_pyinstaller",
    "numpy/distutils",
    "numpy/doc",
)


@dataclass(frozen=True)
class Recipe:
    """One layer: its folder's name, its limit in MB unpacked, and globs of what is left out."""

    name: str
    limit_mb: int
    left_out: tuple[str, ...] = ()
    from_lock: bool = True


_ALL = (
    Recipe("core", limit_mb=5, from_lock=False, left_out=("**/__pycache__", "**/*.pyc")),
    Recipe("sdk", limit_mb=35, left_out=_NEVER_IMPORTED),
    Recipe(
        "inference",
        limit_mb=85,
        left_out=(
            *_NEVER_IMPORTED,
            # The wheel has the runtime twice. Sessions are opened through its C library, so neither
            # the module that is linked statically with it nor the Python around it is imported.
            "onnxruntime/capi/onnxruntime_pybind11_state*",
            "onnxruntime/capi/*providers_shared*",
            "onnxruntime/**/*.py",
            "onnxruntime/backend",
            "onnxruntime/datasets",
            "onnxruntime/quantization",
            "onnxruntime/tools",
            "onnxruntime/transformers",
            # Only those parts of onnxruntime import them.
            "flatbuffers*",
            "google",
            "packaging*",
            "protobuf*",
            "numpy/f2py",
            "numpy/testing",
        ),
    ),
    # scipy imports numpy.f2py, so it stays here.
    Recipe("analytics", limit_mb=205, left_out=_NEVER_IMPORTED),
    # Parquet in batch jobs: pyarrow takes 98 MB without all that can be left out, DuckDB 67.
    Recipe("tabular", limit_mb=75, left_out=_NEVER_IMPORTED),
)
RECIPES = {recipe.name: recipe for recipe in _ALL}
