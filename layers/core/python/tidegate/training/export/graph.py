"""Canonical ONNX: one float32 input `features` [N, k], one float32 output `scores` [N, m]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from tidegate.contract import FEATURES_INPUT, SCORES_OUTPUT, Column, Contract

Proto = Any  # onnx has no types
Attribute = Any  # a number, a text, a tensor or a list of those
ML = "ai.onnx.ml"
OPSETS = {"": 18, ML: 3}
MAX_IR = 10  # what every supported runtime reads
PREFIX = "tidegate_"  # of names that the exporter adds; no converter makes such


@dataclass
class Graph:
    """A graph under construction."""

    nodes: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        *,
        domain: str = "",
        **attributes: Attribute,
    ) -> str:
        """Append a node with one output; return the output's name."""
        node = helper.make_node(
            kind, list(inputs), [output], name=f"{PREFIX}{output}", domain=domain, **attributes
        )
        self.nodes.append(node)
        return output

    def constant(self, name: str, values: npt.ArrayLike) -> str:
        """Add a constant; return its name."""
        self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name


def column_prefix(contract: Contract, inputs: Sequence[str]) -> Graph:
    """Return nodes that make one typed [N, 1] tensor per column from the matrix.

    `inputs` are the names of those tensors; a category is text again, a boolean or number float32.
    """
    graph = Graph()
    for j, (column, name) in enumerate(zip(contract.columns, inputs, strict=True)):
        index = graph.constant(f"{PREFIX}index_{j}", np.array([j], dtype=np.int64))
        if column.type != "category":
            graph.add("Gather", [FEATURES_INPUT, index], name, axis=1)
            continue
        code = graph.add("Gather", [FEATURES_INPUT, index], f"{PREFIX}code_{j}", axis=1)
        whole = graph.add("Cast", [code], f"{PREFIX}whole_{j}", to=TensorProto.INT64)
        _decode(graph, column, whole, name)
    return graph


def _decode(graph: Graph, column: Column, code: str, name: str) -> None:
    levels = column.levels
    graph.add(
        "LabelEncoder",
        [code],
        name,
        domain=ML,
        keys_int64s=list(range(len(levels))),
        values_strings=list(levels),
        default_string="",
    )


def score_suffix(source: str, *, order: Sequence[int]) -> Graph:
    """Return nodes that bring a graph's output into contract order and form, as `scores`."""
    graph = Graph()
    outputs = len(order)
    shape = graph.constant(f"{PREFIX}shape", np.array([-1, outputs], dtype=np.int64))
    flat = graph.add("Reshape", [source, shape], f"{PREFIX}flat")
    indices = graph.constant(f"{PREFIX}order", np.array(order, dtype=np.int64))
    ordered = graph.add("Gather", [flat, indices], f"{PREFIX}ordered", axis=1)
    graph.add("Cast", [ordered], SCORES_OUTPUT, to=TensorProto.FLOAT)
    return graph


def assemble(parts: Sequence[Graph], contract: Contract, *, opsets: dict[str, int]) -> bytes:
    """Return a canonical model of the parts in order; what the output does not need is left out."""
    nodes = _needed([node for part in parts for node in part.nodes])
    used = {name for node in nodes for name in node.input}
    tensors = [t for part in parts for t in part.initializers if t.name in used]
    graph = helper.make_graph(
        nodes,
        "tidegate",
        [_value(FEATURES_INPUT, len(contract.columns))],
        [_value(SCORES_OUTPUT, contract.outputs)],
        initializer=tensors,
    )
    domains = {"": opsets.get("", OPSETS[""])} | {
        domain: version
        for domain, version in opsets.items()
        if any(n.domain == domain for n in nodes)
    }
    imports = [helper.make_opsetid(domain, version) for domain, version in sorted(domains.items())]
    model = helper.make_model(graph, opset_imports=imports, producer_name="tidegate")
    model.ir_version = min(model.ir_version, MAX_IR)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _value(name: str, width: int) -> Proto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])


def _needed(nodes: Sequence[Any]) -> list[Any]:
    """Return the nodes on which `scores` depends, in their order."""
    needed = {SCORES_OUTPUT}
    kept: list[Any] = []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    return kept[::-1]
