"""Each layer works with nothing else on the path, as it will in Lambda."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from stacks.bundling import Target, compiler

Run = Callable[..., str]

SDK = """
import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, idempotent
from aws_lambda_powertools.utilities.parameters import SSMProvider
from importlib.metadata import version
Logger(service="x").info("hello")
services = ("dynamodb", "events", "lambda", "s3", "sagemaker", "stepfunctions")
for name in services:
    boto3.client(name)
print(version("boto3"))
"""
ANALYTICS = """
import pandas, scipy.stats
frame = pandas.DataFrame({"g": ["a", "b", "a"], "x": [1.0, 2.0, 3.0]})
assert frame.groupby("g")["x"].mean()["a"] == 2.0
assert pandas.Series(pandas.to_datetime(["2013-01-01T05:00Z"], utc=True)).dt.hour[0] == 5
assert 0 <= scipy.stats.ks_2samp([1, 2, 3], [1, 2, 4]).pvalue <= 1
"""
INFERENCE = """
import pathlib, numpy, orjson
from tidegate.scoring.onnx_session import OnnxSession
session = OnnxSession(pathlib.Path({path!r}).read_bytes())
rows = numpy.array([[1, 2], [3, 4]], dtype=numpy.float32)
print(orjson.dumps(session.run(rows).tolist()).decode())
"""


@pytest.fixture
def doubling_model(tmp_path: Path) -> str:
    """Save a model that adds its input to itself."""
    shape = [None, 2]
    graph = helper.make_graph(
        [helper.make_node("Add", ["features", "features"], ["scores"])],
        "doubling",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid("", 18)]
    path = tmp_path / "model.onnx"
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return str(path)


def test_core_and_inference_layer_run_a_model(run: Run, doubling_model: str) -> None:
    said = run(INFERENCE.format(path=doubling_model), "core", "inference")
    assert said == "[[2.0,4.0],[6.0,8.0]]\n"  # and not one warning beside it


def test_sdk_layer_has_clients_and_powertools(run: Run) -> None:
    assert "hello" in run(SDK, "sdk")


def test_analytics_layer_has_frames_and_statistics(run: Run) -> None:
    run(ANALYTICS, "analytics")


def test_core_layer_needs_the_standard_library_only(run: Run) -> None:
    run("import tidegate.contract, tidegate.project, tidegate.settings", "core")


def test_the_predict_path_needs_core_and_inference_only(run: Run) -> None:
    run("import tidegate.serving.endpoint", "core", "inference")


def test_an_empty_path_has_none_of_it(run: Run) -> None:
    run("import importlib.util as u; assert not any(map(u.find_spec, ('numpy', 'boto3', 'six')))")


def test_bytecode_of_a_layer_is_used_as_it_lies(run: Run, here: Target) -> None:
    if not compiler(here.python):
        pytest.fail("the interpreter that runs the layers can compile them")
    code = "import orjson; c = orjson.__spec__.cached; import os; print(os.path.isfile(c))"
    assert run(code, "inference") == "True\n"
