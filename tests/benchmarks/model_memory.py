"""How much memory a model needs beside its bytes: `python -m tests.benchmarks.model_memory`.

Measured as intake measures it: a process that loads the model from bytes and answers one row.
"""

from __future__ import annotations

import sys

import numpy as np
from onnx import helper, numpy_helper

from tests.fakes.onnx_models import linear, model_of
from tidegate.package.bounded import BoundedSession, Limits

LIMITS = Limits(memory_mb=4096, cpu_seconds=120, wall_seconds=300.0)
WIDTH = 5_300_000
TREES, DEPTH = 40, 13


def dense() -> bytes:
    """Return two layers, 2 -> WIDTH -> 1."""
    there = numpy_helper.from_array(np.full((2, WIDTH), 1e-3, dtype=np.float32), "there")
    back = numpy_helper.from_array(np.full((WIDTH, 1), 1e-3, dtype=np.float32), "back")
    nodes = [
        helper.make_node("MatMul", ["features", "there"], ["wide"]),
        helper.make_node("MatMul", ["wide", "back"], ["scores"]),
    ]
    return bytes(model_of(nodes, initializers=[there, back]).SerializeToString())


def trees() -> bytes:
    """Return TREES full trees of DEPTH levels of questions."""
    numbers = np.random.default_rng(0)
    nodes = 2 ** (DEPTH + 1) - 1
    ids, tree = np.tile(np.arange(nodes), TREES), np.repeat(np.arange(TREES), nodes)
    leaf = ids >= nodes // 2
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=tree.tolist(),
        nodes_nodeids=ids.tolist(),
        nodes_featureids=(ids % 2).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values=numbers.random(len(ids)).tolist(),
        nodes_truenodeids=np.where(leaf, 0, 2 * ids + 1).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, 2 * ids + 2).tolist(),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=ids[leaf].tolist(),
        target_ids=[0] * int(leaf.sum()),
        target_weights=numbers.random(int(leaf.sum())).tolist(),
    )
    return bytes(model_of([node]).SerializeToString())


def peak_mb(model: bytes) -> int:
    """Return what a process needed at most (MiB)."""
    session = BoundedSession(model, limits=LIMITS)
    session.run(np.array([[0.5, 1.0]], dtype=np.float32))
    return session.peak_mb


def main() -> None:
    """Print one line per model."""
    least = peak_mb(linear().SerializeToString())
    sys.stdout.write(f"the libraries and a model of 2 numbers: {least} MiB\n")
    for name, model in (("dense", dense()), ("trees", trees())):
        peak = peak_mb(model)
        ratio = (peak - least) * 1024 * 1024 / len(model)
        told = f"{len(model):,} bytes, {peak} MiB: {ratio:.1f} times its bytes beside the libraries"
        sys.stdout.write(f"{name}: {told}\n")


if __name__ == "__main__":
    main()
