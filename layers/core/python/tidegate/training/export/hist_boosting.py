"""scikit-learn's HistGradientBoosting, fitted on the frame itself.

skl2onnx knows neither its category splits nor its links other than the identity (it answers
wrongly, without an error). Written against scikit-learn 1.4 to 1.9; the exporter's trial refuses
whatever a later one might change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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

_CLASSES = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_LOG_LINKS = ("poisson", "gamma")


def is_hist_boosting(model: object) -> bool:
    """Tell whether an estimator is one of the two."""
    return type(model).__name__ in _CLASSES and type(model).__module__.startswith("sklearn.")


def export_hist_boosting(model: Any, contract: Contract, *, order: tuple[int, ...]) -> bytes:  # noqa: ANN401
    """Return the canonical model of a fitted estimator; raise `NotConvertible`."""
    features = _features(model, contract)
    trees = Trees()
    for round_ in model._predictors:
        for target, predictor in enumerate(round_):
            _grow(trees, predictor, target, features)
    baseline = np.asarray(model._baseline_prediction, dtype=np.float64).ravel().tolist()
    return tree_model(trees, contract, baseline=baseline, link=_link(model, contract), order=order)


def _link(model: Any, contract: Contract) -> Link:  # noqa: ANN401
    if contract.task == "regression":
        return exponential if model.loss in _LOG_LINKS else identity
    return softmax if contract.task == "multiclass" else two_sigmoids()


@dataclass(frozen=True)
class _Feature:
    """A feature in the estimator's own order: its matrix column, its own code of each of ours."""

    column: int
    codes: npt.NDArray[np.float64] | None  # of a category; NaN: never seen in training


def _features(model: Any, contract: Contract) -> list[_Feature]:  # noqa: ANN401
    if model.n_features_in_ != len(contract.columns):
        raise NotConvertible(f"it was fitted on {model.n_features_in_} columns")
    flags, preprocessor = model.is_categorical_, model._preprocessor
    if flags is None:
        return [_Feature(j, None) for j in range(len(contract.columns))]
    encoded = np.asarray(preprocessor.transform(_probe(contract)), dtype=np.float64)
    categories = np.flatnonzero(flags).tolist()  # these come first in its own order
    features: list[_Feature] = []
    for position, j in enumerate(categories):
        column = contract.columns[j]
        if column.type != "category":
            raise NotConvertible(f"column {column.name!r} is a category to it alone")
        features.append(_Feature(j, encoded[: len(column.levels), position]))
    return features + [_Feature(j, None) for j in np.flatnonzero(~flags).tolist()]


def _probe(contract: Contract) -> pd.DataFrame:
    """Return a frame whose row i holds level i of every category, or the last there is."""
    rows = max((len(column.levels) for column in contract.columns), default=1)
    made: dict[str, Any] = {}
    for column in contract.columns:
        if column.type == "category":
            at = np.minimum(np.arange(rows), len(column.levels) - 1)
            levels = pd.Index(column.levels, dtype=object)
            made[column.name] = pd.Categorical.from_codes(at, categories=levels)
        else:
            made[column.name] = np.zeros(rows)
    return pd.DataFrame(made)


def _grow(trees: Trees, predictor: Any, target: int, features: list[_Feature]) -> None:  # noqa: ANN401
    nodes = predictor.nodes
    if nodes[0]["is_leaf"]:
        trees.stump(float(nodes[0]["value"]), target)
        return
    trees.root()
    places: list[Branch] = []
    for node in nodes:
        if node["is_leaf"]:
            places.append(trees.leaf(float(node["value"]), target))
        else:
            split = _split(node, predictor, features[int(node["feature_idx"])])
            places.append((trees.split(split), 0))
    for node, (at, leaf) in zip(nodes, places, strict=True):
        if not leaf:
            trees.true[at] = places[int(node["left"])]
            trees.false[at] = places[int(node["right"])]


def _split(node: Any, predictor: Any, feature: _Feature) -> Split:  # noqa: ANN401
    missing_left = bool(node["missing_go_to_left"])
    if not node["is_categorical"]:
        return Split(feature.column, float(node["num_threshold"]), None, missing_left)
    if feature.codes is None:
        raise NotConvertible("a category split on a number")
    bits = predictor.raw_left_cat_bitsets[int(node["bitset_idx"])]
    left = tuple(
        float(code)
        for code, own in enumerate(feature.codes)
        if (missing_left if np.isnan(own) else _in_bitset(bits, int(own)))
    )
    return Split(feature.column, members=left)


def _in_bitset(bits: Any, code: int) -> bool:  # noqa: ANN401
    return bool((int(bits[code // 32]) >> (code % 32)) & 1)
