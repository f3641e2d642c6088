"""skl2onnx and onnxmltools behind one door: an estimator to a raw ONNX graph, or `NotConvertible`.

LightGBM and XGBoost converters are registered with skl2onnx when the packages are installed, so
they work as the last step of a pipeline and inside meta-estimators too.
"""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from google.protobuf.message import Error as ProtobufError

from tidegate.contract import Contract
from tidegate.training.export.graph import OPSETS

Proto = Any  # onnx has no types
FORMS = ("matrix", "columns", "flags")  # flags: as columns, with booleans as booleans
# What converters raise on estimators that they don't know, or know badly; they promise nothing.
_REFUSALS: tuple[type[Exception], ...] = (
    NotImplementedError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError,
    AssertionError, ImportError, OverflowError, ProtobufError,
)  # fmt: skip


class NotConvertible(Exception):  # noqa: N818 - not an error: the next way is tried
    """An estimator has no form of this kind; the text says why."""


def convert(model: object, contract: Contract, *, form: str) -> Proto:
    """Return the raw graph of an estimator; raise `NotConvertible`.

    `form` "matrix": one float32 input. "columns": one input per column, text or float32. "flags":
    the same, booleans as booleans.
    """
    skl2onnx = importlib.import_module("skl2onnx")
    register()
    model = _prepared(model)
    options: dict[Any, Any] = {}
    if contract.task != "regression":
        options[id(model)] = {"zipmap": False}
    for scaler in find(model, "StandardScaler"):
        options[id(scaler)] = {"div": "div_cast"}  # x * (1 / std) can put a row across a split
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return skl2onnx.convert_sklearn(
                model,
                initial_types=input_types(contract, form=form),
                options=options,
                target_opset=OPSETS,
            )
    except _REFUSALS as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = lines[0] if lines else type(error).__name__
        raise NotConvertible(text[:300]) from None


def _prepared(model: object) -> object:
    """Return a copy without what converters stumble over and answers don't depend on."""
    boosters = [*find(model, "XGBClassifier"), *find(model, "XGBRegressor")]
    votings = find(model, "VotingClassifier")
    if not boosters and not votings:
        return model
    copied = copy.deepcopy(model)
    for name in ("XGBClassifier", "XGBRegressor"):
        for part in find(copied, name):
            part.get_booster().feature_names = None  # the converter knows f0, f1, ... only
    for part in find(copied, "VotingClassifier"):
        part.flatten_transform = False  # of transform(), which nobody calls here
    return copied


def input_types(contract: Contract, *, form: str) -> list[tuple[str, Any]]:
    """Return the inputs of a form as skl2onnx wants them."""
    kinds = importlib.import_module("skl2onnx.common.data_types")
    if form == "matrix":
        return [("features", kinds.FloatTensorType([None, len(contract.columns)]))]
    made: list[tuple[str, Any]] = []
    for column in contract.columns:
        kind = kinds.StringTensorType if column.type == "category" else kinds.FloatTensorType
        if form == "flags" and column.type == "boolean":
            kind = kinds.BooleanTensorType
        made.append((column.name, kind([None, 1])))
    return made


def find(model: object, name: str) -> Sequence[Any]:
    """Return the parts of an estimator, fitted or not, whose class has this name."""
    seen: dict[int, Any] = {}
    todo: list[Any] = [model]
    while todo:
        part = todo.pop()
        if isinstance(part, list | tuple):
            todo.extend(part)
        elif hasattr(part, "get_params") and id(part) not in seen:
            seen[id(part)] = part
            todo.extend(vars(part).values())
        elif isinstance(part, dict):
            todo.extend(part.values())
    return [part for part in seen.values() if type(part).__name__ == name]


@cache
def register() -> None:
    """Teach skl2onnx the boosters that are installed, once per process."""
    shapes = importlib.import_module("skl2onnx.common.shape_calculator")
    classifier = shapes.calculate_linear_classifier_output_shapes
    regressor = shapes.calculate_linear_regressor_output_shapes
    zipmap = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    light = (
        "lightgbm",
        "onnxmltools.convert.lightgbm.operator_converters.LightGbm",
        "convert_lightgbm",
    )
    extreme = (
        "xgboost",
        "onnxmltools.convert.xgboost.operator_converters.XGBoost",
        "convert_xgboost",
    )
    _register(light, "LGBMClassifier", classifier, zipmap)
    _register(light, "LGBMRegressor", regressor, {"split": None})
    _register(extreme, "XGBClassifier", classifier, zipmap)
    _register(extreme, "XGBRegressor", regressor, {})


def _register(
    where: tuple[str, str, str], name: str, shapes: Callable[..., Any], options: dict[str, Any]
) -> None:
    package, module, function = where
    try:
        estimator = getattr(importlib.import_module(package), name)
        converter = getattr(importlib.import_module(module), function)
    except ImportError:
        return
    skl2onnx = importlib.import_module("skl2onnx")
    skl2onnx.update_registered_converter(
        estimator, f"Tidegate{name}", shapes, converter, options=options
    )
