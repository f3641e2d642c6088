"""The exporter: try the ways that fit an estimator, keep the first that answers as it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import onnx
import pandas as pd

from tidegate.contract import FEATURES_INPUT, SCORES_OUTPUT, Contract
from tidegate.errors import ExportError, PackageError, ParityError
from tidegate.scoring.session import Matrix
from tidegate.training.export.adoption import adopt
from tidegate.training.export.conversion import NotConvertible, convert, find
from tidegate.training.export.graph import (
    OPSETS,
    PREFIX,
    Graph,
    assemble,
    column_prefix,
    score_suffix,
)
from tidegate.training.export.hist_boosting import export_hist_boosting, is_hist_boosting
from tidegate.training.export.light_gbm import export_light_gbm, is_light_gbm
from tidegate.training.export.native import Native, OpenSession, class_name, native_model
from tidegate.training.parity import compare, refuse

Proto = Any  # onnx has no types, nor have estimators
Estimator = Any
TRIAL_ROWS = 500
_ADVICE = (
    "Return an estimator of scikit-learn, LightGBM or XGBoost (categories by a ColumnTransformer"
    " by name, put before meta-estimators and not inside them; no FunctionTransformer, no class"
    f" of your own), or an ONNX model with input `{FEATURES_INPUT}` and output `{SCORES_OUTPUT}`"
)


@dataclass(frozen=True)
class Exported:
    """Canonical ONNX bytes, the way they came about, and the native model (None: it was ONNX)."""

    model: bytes
    way: str
    native: Native | None


@dataclass(frozen=True)
class Sample:
    """Rows on which a conversion is tried: as user code sees them and as serving does."""

    frame: pd.DataFrame
    matrix: Matrix


def export(
    model: object, contract: Contract, *, sample: Sample, open_session: OpenSession
) -> Exported:
    """Return canonical ONNX of what `train` returned.

    Raises `UserCodeError` when it is no model of the contract's task, `ExportError` when its class
    has no ONNX form, `ParityError` when every form answers differently.
    """
    if isinstance(model, bytes | bytearray | onnx.ModelProto):
        return Exported(adopt(model, contract), "onnx", None)
    native = native_model(model, contract)
    trial = Sample(sample.frame.head(TRIAL_ROWS), sample.matrix[:TRIAL_ROWS])
    expected = native.scores(trial.frame)
    refusals: list[str] = []
    different: ParityError | None = None
    for way, make in _ways(native):
        try:
            exported = make()
            answers = open_session(exported).run(trial.matrix)
            refuse(compare(contract, expected, answers), class_name(model))
        except ParityError as error:
            different = different or error
        except (NotConvertible, PackageError, onnx.checker.ValidationError) as error:
            refusals.append(f"as {way}: {error}")
        else:
            return Exported(exported, way, native)
    if different is not None:
        raise different
    raise ExportError(
        f"{class_name(model)} can't be exported to ONNX ({'; '.join(refusals)}). {_ADVICE}"
    )


def _ways(native: Native) -> Iterator[tuple[str, Callable[[], bytes]]]:
    contract = native.contract
    core = _unwrapped(native.model)
    if is_hist_boosting(core):
        yield "trees", lambda: export_hist_boosting(core, contract, order=native.order)
    if is_light_gbm(core):
        yield "trees", lambda: export_light_gbm(core, contract, order=native.order)
    flags = any(c.type == "boolean" and not c.nullable for c in contract.columns)
    columns = ["columns", *(["flags"] if flags else [])]
    forms = [*columns, "matrix"] if find(core, "ColumnTransformer") else ["matrix", *columns]
    for form in forms:
        yield form, lambda form=form: _converted(core, native, form)  # type: ignore[misc]


def _unwrapped(model: Estimator) -> Estimator:
    """Return the estimator inside a finished search, or inside a pipeline that only wraps it."""
    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and all(s is None or s == "passthrough" for _, s in steps[:-1]):
        return steps[-1][1]
    return model


def _converted(core: object, native: Native, form: str) -> bytes:
    contract = native.contract
    raw = convert(core, contract, form=form)
    body = Graph(list(raw.graph.node), list(raw.graph.initializer))
    names = [value.name for value in raw.graph.input]
    parts = [body, score_suffix(_scores(raw, contract), order=native.order)]
    if form == "matrix":
        body.nodes = [_renamed(node, {names[0]: FEATURES_INPUT}) for node in body.nodes]
    else:
        parts.insert(0, _prefix(contract, names, form))
    opsets = {o.domain: o.version for o in raw.opset_import} | {"ai.onnx.ml": OPSETS["ai.onnx.ml"]}
    return assemble(parts, contract, opsets=opsets)


def _prefix(contract: Contract, names: list[str], form: str) -> Graph:
    if len(names) != len(contract.columns):
        raise NotConvertible(f"it takes {len(names)} inputs, not {len(contract.columns)}")
    if form == "columns":
        return column_prefix(contract, names)
    inner = [
        f"{PREFIX}flag_{j}" if column.type == "boolean" else names[j]
        for j, column in enumerate(contract.columns)
    ]
    graph = column_prefix(contract, inner)
    for j, column in enumerate(contract.columns):
        if column.type == "boolean":
            graph.add("Cast", [inner[j]], names[j], to=onnx.TensorProto.BOOL)
    return graph


def _scores(raw: Proto, contract: Contract) -> str:
    """Return the name of the raw output that holds probabilities, or values."""
    outputs = [value.name for value in raw.graph.output]
    wanted = 1 if contract.task == "regression" else 2
    if len(outputs) != wanted:
        raise NotConvertible(f"it has the outputs {', '.join(outputs)}")
    return str(outputs[-1])


def _renamed(node: Proto, names: dict[str, str]) -> Proto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for i, name in enumerate(copy.input):
        copy.input[i] = names.get(name, name)
    return copy
