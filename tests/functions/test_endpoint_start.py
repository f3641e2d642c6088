"""The serving function's start: what it imports, and that it loads before the first request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.package import package, unpack
from tests.functions.test_endpoint import SETTINGS

FORBIDDEN = ("boto3", "botocore", "aws_lambda_powertools", "pydantic", "pandas", "scipy", "onnx")
LATER = ("onnxruntime",)  # opened with the package


def run(code: str, **env: str) -> str:
    told = {"PATH": os.environ["PATH"], **env}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_importing_the_endpoint_imports_no_sdk_and_opens_nothing() -> None:
    names = (*FORBIDDEN, *LATER)
    code = (
        f"import sys, tidegate.serving.endpoint; print([n for n in {names!r} if n in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_serving_a_request_still_imports_no_sdk(tmp_path: Path) -> None:
    unpack(package(), tmp_path)
    code = f"""
import sys
from tidegate.serving import endpoint
assert endpoint.service.cache_info().currsize == 1, "not loaded while Lambda starts"
assert endpoint.service().predictor is not None
print([n for n in {FORBIDDEN!r} if n in sys.modules])
"""
    assert run(code, LAMBDA_TASK_ROOT=str(tmp_path), **SETTINGS.to_env()).strip() == "[]"


def test_a_start_that_fails_leaves_the_reason_to_the_first_caller(tmp_path: Path) -> None:
    unpack(package(), tmp_path)
    code = """
import json
from tidegate.serving import endpoint
class Context: aws_request_id = "q"
answer = endpoint.handle({"requestContext": {"http": {"method": "POST"}}, "body": "{}"}, Context)
print(json.loads(answer["body"])["error"]["type"])
"""
    assert run(code, LAMBDA_TASK_ROOT=str(tmp_path)).splitlines()[-1] == "SettingsError"
