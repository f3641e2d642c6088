"""What a start may cost: the predict path imports nothing that it does not need to answer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    *("aws_lambda_powertools", "boto3", "botocore", "jinja2", "onnx", "onnxruntime", "pandas"),
    *(
        "pydantic",
        "requests",
        "scipy",
        "sklearn",
        "tidegate.aws",
        "tidegate.training",
        "tidegate.wiring",
    ),
}
ENDPOINT = "tidegate.serving.endpoint"


def modules_after(code: str) -> set[str]:
    """Run `code` in a fresh interpreter and return the names of all modules it has loaded."""
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


def heavy(modules: set[str]) -> set[str]:
    """Return the parts of HEAVY that are among `modules`."""
    return {name for name in HEAVY if name in modules}


def test_the_predict_path_imports_neither_sdk_nor_frames() -> None:
    assert heavy(modules_after(f"import {ENDPOINT}")) == set()


def test_what_a_request_needs_imports_neither_sdk_nor_frames() -> None:
    names = ("tidegate.scoring.onnx_session", "tidegate.package.archive", "orjson")
    imports = "\n".join(f"import {name}" for name in (ENDPOINT, *names))
    session = "from tidegate.scoring.ort_api import ort_api; ort_api()"
    assert heavy(modules_after(f"{imports}\n{session}")) == set()


def test_settings_and_contract_cost_the_standard_library_only() -> None:
    loaded = modules_after("import tidegate.settings, tidegate.contract, tidegate.errors")
    assert heavy(loaded) | ({"numpy", "orjson", "onnxruntime"} & loaded) == set()


@pytest.mark.parametrize("name", ["boto3", "pandas", "pydantic"])
def test_a_heavy_import_is_noticed(name: str) -> None:
    assert name in heavy(modules_after(f"import {name}"))
