"""Small canonical ONNX models, built with the `onnx` package, and a contract that fits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tidegate.contract import Column, Contract, Target

CONTRACT = Contract(
    model="ferry-delay",
    task="regression",
    columns=(
        Column("wind", "float", minimum=0.0, maximum=60.0),
        Column("harbour", "category", categories=("north", "south")),
    ),
    target=Target("minutes"),
)
Made = Any  # the messages of `onnx` have no types
WEIGHTS = np.array([[2.0], [10.0]], dtype=np.float32)


def value(name: str, width: int, *, kind: int = TensorProto.FLOAT, rows: int | None = None) -> Made:
    return helper.make_tensor_value_info(name, kind, [rows, width])


def model_of(
    nodes: Sequence[Any],
    *,
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[Any] | None = None,
    initializers: Sequence[Any] = (),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "graph",
        list(inputs or [value("features", 2)]),
        list(outputs or [value("scores", 1)]),
        initializer=list(initializers),
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def linear() -> onnx.ModelProto:
    """Return minutes = 2 * wind + 10 * harbour."""
    node = helper.make_node("MatMul", ["features", "weights"], ["scores"])
    return model_of([node], initializers=[numpy_helper.from_array(WEIGHTS, "weights")])


def chain(*steps: tuple[str, dict[str, Any]]) -> onnx.ModelProto:
    """Return the linear model with one-input operators behind it."""
    nodes = [helper.make_node("MatMul", ["features", "weights"], ["t0"])]
    for i, (operator, attributes) in enumerate(steps):
        end = "scores" if i == len(steps) - 1 else f"t{i + 1}"
        nodes.append(helper.make_node(operator, [f"t{i}"], [end], **attributes))
    return model_of(nodes, initializers=[numpy_helper.from_array(WEIGHTS, "weights")])


def endless_loop() -> onnx.ModelProto:
    """Return a model that the checker passes and that never answers."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["going_on"]),
            helper.make_node("Add", ["state", "state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("going_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    true = numpy_helper.from_array(np.array(True), "true")
    weights = numpy_helper.from_array(WEIGHTS, "weights")
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["start"]),
        helper.make_node("Loop", ["", "true", "start"], ["scores"], body=body),
    ]
    return model_of(nodes, initializers=[true, weights])


def allocation_bomb(elements: int) -> onnx.ModelProto:
    """Return a model of 300 bytes that asks for `elements` numbers when it runs."""
    shape = numpy_helper.from_array(np.array([elements], dtype=np.int64), "shape")
    weights = numpy_helper.from_array(WEIGHTS, "weights")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Exp", ["zeros"], ["ones"]),
        helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0),
        helper.make_node("MatMul", ["features", "weights"], ["minutes"]),
        helper.make_node("Add", ["minutes", "sum"], ["scores"]),
    ]
    return model_of(nodes, initializers=[shape, weights])
