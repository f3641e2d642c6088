"""LightGBM's scikit-learn estimators, fitted on the frame itself, from the documented `dump_model`.

onnxmltools' converter is the way for LightGBM inside a pipeline. This one keeps category splits as
sets (a third of the bytes) and the side of every row next to a split.
"""

from __future__ import annotations

from typing import Any

from tidegate.contract import Contract
from tidegate.training.export.conversion import NotConvertible
from tidegate.training.export.trees import (
    Branch,
    Link,
    Split,
    Trees,
    exponential,
    identity,
    softmax,
    tree_model,
    two_sigmoids,
)

_CLASSES = ("LGBMClassifier", "LGBMRegressor")
_IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
_EXPONENTIAL = ("poisson", "gamma", "tweedie")


def is_light_gbm(model: object) -> bool:
    """Tell whether an estimator is one of the two."""
    return type(model).__name__ in _CLASSES and type(model).__module__.startswith("lightgbm.")


def export_light_gbm(model: Any, contract: Contract, *, order: tuple[int, ...]) -> bytes:  # noqa: ANN401
    """Return the canonical model of a fitted estimator; raise `NotConvertible`."""
    dump = model.booster_.dump_model()
    if dump["max_feature_idx"] + 1 != len(contract.columns):
        raise NotConvertible(f"it was fitted on {dump['max_feature_idx'] + 1} columns")
    if dump.get("average_output"):
        raise NotConvertible("its trees are averaged (boosting_type rf)")
    width = int(dump["num_tree_per_iteration"])
    trees = Trees()
    for tree in dump["tree_info"]:
        _grow(trees, tree["tree_structure"], int(tree["tree_index"]) % width)
    link = _link(dump["objective"], contract)
    return tree_model(trees, contract, baseline=[0.0] * width, link=link, order=order)


def _link(objective: str, contract: Contract) -> Link:
    """Return the link of an objective like `binary sigmoid:1`."""
    name, *rest = objective.split()
    options = dict(part.split(":", 1) for part in rest if ":" in part)
    if contract.task == "regression" and "sqrt" not in rest:
        if name in _IDENTITY:
            return identity
        if name in _EXPONENTIAL:
            return exponential
    if contract.task == "binary" and name == "binary":
        return two_sigmoids(float(options.get("sigmoid", 1)))
    if contract.task == "multiclass" and name == "multiclass":
        return softmax
    raise NotConvertible(f"its objective is {objective!r}")


def _grow(trees: Trees, structure: dict[str, Any], target: int) -> None:
    if "split_feature" not in structure:
        trees.stump(_weight(structure), target)
        return
    trees.root()
    todo = [
        (structure, -1, "")
    ]  # node, position of its parent, side; no recursion: trees may be deep
    while todo:
        node, parent, side = todo.pop()
        place: Branch
        if "split_feature" in node:
            place = trees.split(_split(node)), 0
            todo += [
                (node["right_child"], place[0], "right"),
                (node["left_child"], place[0], "left"),
            ]
        else:
            place = trees.leaf(_weight(node), target)
        if side:
            (trees.true if side == "left" else trees.false)[parent] = place


def _weight(leaf: dict[str, Any]) -> float:
    if leaf.get("leaf_coeff"):
        raise NotConvertible("its leaves are linear models (linear_tree)")
    return float(leaf["leaf_value"])


def _split(node: dict[str, Any]) -> Split:
    column = int(node["split_feature"])
    if node["decision_type"] == "==":
        members = tuple(float(code) for code in str(node["threshold"]).split("||"))
        return Split(column, members=members)  # null has a code of its own, and NaN goes right
    threshold = float(node["threshold"])
    if node["missing_type"] == "Zero":
        raise NotConvertible("zero counts as missing (zero_as_missing)")
    # Without missing values in training NaN counts as 0.
    null_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
    return Split(column, threshold, None, bool(null_left))
