"""Every control function finds what it imports in the layers that its stack gives it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stacks.constructs.control_functions import SHAPES

ROOT = Path(__file__).resolve().parents[2]
OF_LAYER = {
    "sdk": {"boto3", "botocore", "aws_lambda_powertools"},
    "inference": {"numpy", "onnxruntime", "orjson"},
    "analytics": {"numpy", "pandas", "scipy"},
    "tabular": {"duckdb"},
}
IMPORT = """
import importlib, importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[2].split(","):
            raise ModuleNotFoundError(f"no layer holds {name}")

sys.meta_path.insert(0, Missing())
importlib.import_module(f"functions.{sys.argv[1]}.handler")
"""


def import_with(verb: str, layers: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    there = set().union(*(OF_LAYER.get(layer, set()) for layer in layers))
    missing = set().union(*OF_LAYER.values()) - there
    command = [sys.executable, "-c", IMPORT, verb, ",".join(sorted(missing))]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("verb", sorted(SHAPES))
def test_function_imports_with_its_layers_alone(verb: str) -> None:
    done = import_with(verb, SHAPES[verb].layers)
    assert done.returncode == 0, done.stderr


def test_a_function_without_its_layer_is_noticed() -> None:
    done = import_with("judge", ("core", "sdk"))
    assert "no layer holds numpy" in done.stderr


def test_every_handler_is_deployed() -> None:
    assert {handler.parent.name for handler in ROOT.glob("functions/*/handler.py")} == set(SHAPES)
