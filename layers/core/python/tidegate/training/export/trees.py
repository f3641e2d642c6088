"""Boosted trees as one `TreeEnsemble` (ai.onnx.ml 5) on the matrix, with sets for category splits.

Thresholds are rounded down to float32, so that `x <= t` says of every float32 x what it said in
float64; converters round to the nearest, and a row next to a split may change its side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tidegate.contract import FEATURES_INPUT, Contract
from tidegate.training.export.graph import ML, OPSETS, PREFIX, Graph, assemble, score_suffix

LEQ, MEMBER = 0, 6  # node modes of the operator
TREE_OPSET = 5
Link = Callable[[Graph, str], str]  # appends nodes; takes and gives the name of a tensor


@dataclass(frozen=True)
class Split:
    """One condition: value <= threshold, or, with `members`, code in a set; and where NaN goes."""

    column: int
    threshold: float = 0.0
    members: tuple[float, ...] | None = None
    missing_left: bool = False


Branch = tuple[int, int]  # (position of node or leaf, 1 for a leaf)


@dataclass
class Trees:
    """The attribute lists of the operator under construction."""

    roots: list[int] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    true: list[Branch] = field(default_factory=list)
    false: list[Branch] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)

    def root(self) -> None:
        """Begin a tree: the next split is its root."""
        self.roots.append(len(self.splits))

    def split(self, split: Split) -> int:
        """Append a split whose branches are set later; return its position."""
        self.splits.append(split)
        self.true.append((0, 0))
        self.false.append((0, 0))
        return len(self.splits) - 1

    def leaf(self, weight: float, target: int) -> Branch:
        """Append a leaf; return the branch that leads to it."""
        self.weights.append(weight)
        self.targets.append(target)
        return len(self.weights) - 1, 1

    def stump(self, weight: float, target: int) -> None:
        """Append a tree of one leaf: the operator wants a split, so both branches are it."""
        self.root()
        at = self.split(Split(0))
        self.true[at] = self.false[at] = self.leaf(weight, target)

    def attributes(self, width: int) -> dict[str, Any]:
        """Return the operator's attributes for `width` targets."""
        # No member at all: codes are 0 or more, so `<= -1` is as false as an empty set.
        sets = [split.members for split in self.splits]
        modes = [MEMBER if members else LEQ for members in sets]
        values = [
            -1.0 if split.members is not None else floor32(split.threshold) for split in self.splits
        ]
        made: dict[str, Any] = {
            "n_targets": width,
            "aggregate_function": 1,
            "post_transform": 0,
            "tree_roots": self.roots,
            "nodes_featureids": [split.column for split in self.splits],
            "nodes_modes": helper.make_tensor("modes", TensorProto.UINT8, [len(modes)], modes),
            "nodes_splits": _floats("splits", values),
            "nodes_missing_value_tracks_true": [int(s.missing_left) for s in self.splits],
            "nodes_truenodeids": [at for at, _ in self.true],
            "nodes_trueleafs": [leaf for _, leaf in self.true],
            "nodes_falsenodeids": [at for at, _ in self.false],
            "nodes_falseleafs": [leaf for _, leaf in self.false],
            "leaf_targetids": self.targets,
            "leaf_weights": _floats("weights", self.weights),
        }
        members = [value for chosen in sets if chosen for value in (*chosen, np.nan)]
        return {**made, "membership_values": _floats("members", members)} if members else made


def tree_model(
    trees: Trees, contract: Contract, *, baseline: Sequence[float], link: Link, order: Sequence[int]
) -> bytes:
    """Return the canonical model: link(sum of the trees + baseline), one target per baseline."""
    graph = Graph()
    raw = graph.add(
        "TreeEnsemble",
        [FEATURES_INPUT],
        f"{PREFIX}raw",
        domain=ML,
        **trees.attributes(len(baseline)),
    )
    shift = graph.constant(f"{PREFIX}baseline", np.asarray([baseline], dtype=np.float32))
    sums = graph.add("Add", [raw, shift], f"{PREFIX}sums")
    suffix = score_suffix(link(graph, sums), order=order)
    return assemble([graph, suffix], contract, opsets={**OPSETS, ML: TREE_OPSET})


def identity(graph: Graph, source: str) -> str:  # noqa: ARG001 - a `Link`
    """Leave sums as they are."""
    return source


def exponential(graph: Graph, source: str) -> str:
    """Undo a log link."""
    return graph.add("Exp", [source], f"{PREFIX}exp")


def softmax(graph: Graph, source: str) -> str:
    """Turn one sum per class into probabilities."""
    return graph.add("Softmax", [source], f"{PREFIX}softmax", axis=1)


def two_sigmoids(slope: float = 1.0) -> Link:
    """Turn one sum into the probabilities of both classes."""

    def link(graph: Graph, source: str) -> str:
        # 1 - p loses digits near 1, so the other class has its own sigmoid.
        slopes = graph.constant(f"{PREFIX}slopes", np.array([[-slope, slope]], dtype=np.float32))
        both = graph.add("Mul", [source, slopes], f"{PREFIX}both")
        return graph.add("Sigmoid", [both], f"{PREFIX}sigmoid")

    return link


def floor32(threshold: float) -> float:
    """Return the largest float32 that is not above a threshold.

    >>> floor32(0.1) <= 0.1
    True
    """
    nearest = np.float32(threshold)
    if float(nearest) > threshold:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)


def _floats(name: str, values: Sequence[float]) -> Any:  # noqa: ANN401 - a protobuf message
    return helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)
