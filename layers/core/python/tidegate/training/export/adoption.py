"""A model that the user converted: taken when its input and outputs can be recognised.

It needs one float input [N, columns] and, among its outputs, one float tensor [N, outputs] (a
zipmap is no tensor); for two classes the one named like probabilities or scores wins.
"""

from __future__ import annotations

from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from tidegate.contract import FEATURES_INPUT, Contract
from tidegate.errors import ExportError
from tidegate.training.export.graph import Graph, assemble, score_suffix

Proto = Any  # onnx has no types
_SCORES = ("scores", "probabilities", "output_probability", "variable", "output")


def adopt(model: object, contract: Contract) -> bytes:
    """Return canonical bytes of an ONNX model; raise `ExportError` naming what differs."""
    proto = _read(model)
    initialized = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in initialized]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs)
        raise ExportError(f"the returned ONNX model has the inputs {names}; one is expected")
    _check_input(inputs[0], contract)
    if proto.functions:
        raise ExportError("the returned ONNX model has local functions; inline them (onnx.inliner)")
    body = Graph(_body(proto, inputs[0].name), list(proto.graph.initializer))
    order = tuple(range(contract.outputs))
    opsets = {o.domain: o.version for o in proto.opset_import}
    try:
        return assemble(
            [body, score_suffix(_output(proto, contract), order=order)], contract, opsets=opsets
        )
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the returned ONNX model is not valid: {error}") from None


def _read(model: object) -> Proto:
    if isinstance(model, onnx.ModelProto):
        return model
    try:
        return onnx.load_model_from_string(bytes(model))  # type: ignore[call-overload]
    except DecodeError:
        raise ExportError("train() returned bytes that are no ONNX model") from None


def _body(proto: Proto, given: str) -> list[Proto]:
    """Return the nodes with the input renamed, and names like canonical ones moved aside."""
    taken = {FEATURES_INPUT: f"user_{FEATURES_INPUT}", "scores": "user_scores"}
    taken = {old: new for old, new in taken.items() if old != given} | {given: FEATURES_INPUT}
    nodes = []
    for node in proto.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for i, name in enumerate(copy.input):
            copy.input[i] = taken.get(name, name)
        for i, name in enumerate(copy.output):
            copy.output[i] = taken.get(name, name)
        nodes.append(copy)
    return nodes


def _check_input(value: Proto, contract: Contract) -> None:
    tensor = value.type.tensor_type
    width = len(contract.columns)
    dims = tensor.shape.dim
    if tensor.elem_type != TensorProto.FLOAT:
        raise ExportError(f"input {value.name!r} of the returned ONNX model must be float32")
    if len(dims) != 2 or dims[1].dim_value not in (0, width):
        shape = [d.dim_value or d.dim_param or "?" for d in dims]
        raise ExportError(f"input {value.name!r} has shape {shape}; [rows, {width}] is expected")


def _output(proto: Proto, contract: Contract) -> str:
    floats = [
        value
        for value in proto.graph.output
        if value.type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.DOUBLE)
    ]
    fitting = [value for value in floats if _width(value) in (0, contract.outputs)]
    named = [v for known in _SCORES for v in fitting if v.name == known]
    if not fitting or (len(fitting) > 1 and not named):
        names = ", ".join(value.name for value in proto.graph.output)
        raise ExportError(
            f"of the outputs {names} of the returned ONNX model none is recognised: one"
            f" float tensor [rows, {contract.outputs}] named 'scores' is expected (zipmap=False)"
        )
    name = str((named or fitting)[0].name)
    return "user_scores" if name == "scores" else name


def _width(value: Proto) -> int:
    dims = value.type.tensor_type.shape.dim
    return int(dims[1].dim_value) if len(dims) == 2 else (1 if len(dims) == 1 else 0)
