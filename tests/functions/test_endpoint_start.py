"""The serving function's start: what it imports, and that it is warm before the first request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.package import package, unpack
from tests.functions.test_endpoint import SETTINGS

# Beside what Python, numpy and orjson load themselves. A name that is missing here costs every
# first caller its milliseconds: measure it (`python -X importtime`) before it is added.
ALLOWED = {
    "tidegate": "this library",
    "__future__": "annotations that nobody evaluates",
    "base64": "receipts, binary bodies",
    "binascii": "base64",
    "gc": "off while Lambda starts",
    "hashlib": "the package's digests",
    "_blake2": "hashlib",
    "_hashlib": "hashlib",
    "numpy": "the types of arrays",
    "zlib": "gzip, in and out",
}
FORBIDDEN = (
    *("asyncio", "aws_lambda_powertools", "boto3", "botocore", "email", "http", "importlib.util"),
    *(
        "logging",
        "msgspec",
        "onnx",
        "onnxruntime",
        "pandas",
        "pathlib",
        "pydantic",
        "random",
        "scipy",
        "secrets",
        "simdjson",
        "ssl",
    ),
    *("shutil", "subprocess", "tempfile", "tomllib", "zipfile"),
)
OURS_FORBIDDEN = (
    *("aws", "batch", "monitoring", "project", "registry.values", "release", "training", "wiring"),
    *("serving.openapi", "serving.protocols.open_inference", "serving.protocols.tensors"),
)
REQUEST = """
class Context: aws_request_id = "q"
http = {"method": "POST", "path": "/models/ferry-delay/predict"}
body = '{"records": [{"wind": 10.0, "harbour": "south"}]}'
headers = {"content-type": "application/json"}
event = {"requestContext": {"http": http}, "rawPath": http["path"], "headers": headers}
event |= {"body": body, "isBase64Encoded": False}
"""


def run(code: str, **env: str) -> str:
    told = {"PATH": os.environ["PATH"], **env}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def loaded(code: str, **env: str) -> set[str]:
    """Return the modules that code loads and Python, numpy and orjson do not."""
    code = f"""
import json, sys, numpy, orjson
before = set(sys.modules)
{code}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    return set(json.loads(run(code, **env).splitlines()[-1]))


@pytest.fixture(scope="module")
def first_request(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return what is loaded after the first answer and the window that follows it."""
    folder = unpack(package(), tmp_path_factory.mktemp("package"))
    code = f"""
from tidegate.serving import endpoint
{REQUEST}
assert endpoint.handle(event, Context)["statusCode"] == 200
"""
    return loaded(code, LAMBDA_TASK_ROOT=str(folder), **SETTINGS.to_env())


def test_importing_the_endpoint_opens_nothing() -> None:
    modules = loaded("from tidegate.serving import endpoint; assert not endpoint._opened")
    assert {name.partition(".")[0] for name in modules} <= ALLOWED.keys()


def test_a_first_request_loads_what_is_on_the_list_and_no_more(first_request: set[str]) -> None:
    assert {name.partition(".")[0] for name in first_request} <= ALLOWED.keys()
    assert first_request & {"tidegate.scoring.ort_api", "tidegate.windows.codec"}  # it was whole


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_first_request_does_without(name: str, first_request: set[str]) -> None:
    assert name not in first_request


@pytest.mark.parametrize("name", OURS_FORBIDDEN)
def test_a_first_request_does_without_our(name: str, first_request: set[str]) -> None:
    assert f"tidegate.{name}" not in first_request


def test_an_import_too_many_is_noticed() -> None:
    assert "zipfile" in loaded("import zipfile")


def test_the_service_is_loaded_while_lambda_starts(tmp_path: Path) -> None:
    unpack(package(), tmp_path)
    code = """
from tidegate.serving import endpoint
assert len(endpoint._opened) == 1
print(endpoint.service().predictor is not None)
"""
    assert run(code, LAMBDA_TASK_ROOT=str(tmp_path), **SETTINGS.to_env()).strip() == "True"


@pytest.mark.parametrize(("in_lambda", "told"), [(True, "[False]"), (False, "[]")])
def test_onnx_runtime_is_loaded_ahead_of_numpy(
    tmp_path: Path, *, in_lambda: bool, told: str
) -> None:
    unpack(package(), tmp_path)
    code = """
import sys
from tidegate.scoring import ort_api
asked = []
ort_api.load_ahead = lambda: asked.append("numpy" in sys.modules)
from tidegate.serving import endpoint
print(asked)
"""
    place = {"LAMBDA_TASK_ROOT": str(tmp_path)} if in_lambda else {}
    said = run(code, **place, **SETTINGS.to_env())
    assert said.strip() == told


def test_the_first_caller_imports_nothing_that_the_start_could_have(tmp_path: Path) -> None:
    unpack(package(), tmp_path)
    code = f"""
import sys
from tidegate.serving import endpoint
{REQUEST}
before = set(sys.modules)
assert endpoint.handle(event, Context)["statusCode"] == 200
print(sorted(set(sys.modules) - before))
"""
    said = run(code, LAMBDA_TASK_ROOT=str(tmp_path), **SETTINGS.to_env())
    assert said.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("task_root", "collects_while_loading"), [(True, "False"), (False, "True")]
)
def test_the_collector_rests_while_lambda_starts_and_not_after(
    task_root: bool, collects_while_loading: str, tmp_path: Path
) -> None:
    unpack(package(), tmp_path)
    code = """
import gc, tidegate.serving.cold_start
loading = gc.isenabled()
import tidegate.serving.endpoint
many = gc.get_threshold()[0] == tidegate.serving.cold_start.NEW_OBJECTS
print(loading, gc.isenabled(), gc.get_freeze_count() > 0, many)
"""
    env = {"LAMBDA_TASK_ROOT": str(tmp_path)} if task_root else {}
    said = run(code, **env, **SETTINGS.to_env()).split()
    assert said == [collects_while_loading, "True", str(task_root), str(task_root)]


def test_a_restored_copy_begins_with_an_empty_window(tmp_path: Path) -> None:
    """Lambda's runtime has the module `snapshot_restore_py`; the one here keeps its hooks."""
    unpack(package(), tmp_path / "package")
    (tmp_path / "snapshot_restore_py.py").write_text(
        "hooks = []\ndef register_after_restore(hook): hooks.append(hook)\n"
    )
    code = f"""
import snapshot_restore_py
from tidegate.serving import endpoint
{REQUEST}
window = endpoint.service().window
endpoint.handle(event, Context); endpoint.handle(event, Context)
counted = window.requests
(hook,) = snapshot_restore_py.hooks
hook()
print(counted, window.requests)
"""
    env = {"LAMBDA_TASK_ROOT": str(tmp_path / "package"), "PYTHONPATH": str(tmp_path)}
    env["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    assert run(code, **env, **SETTINGS.to_env()).splitlines()[-1] == "1 0"


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
