"""The native model: what `train` returned, asked for scores in the contract's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tidegate.contract import Contract
from tidegate.errors import UserCodeError
from tidegate.scoring.session import Session

Scores = npt.NDArray[np.float64]
OpenSession = Callable[[bytes], Session]


@dataclass(frozen=True)
class Native:
    """An estimator with the order in which its outputs become the contract's."""

    model: Any
    contract: Contract
    order: tuple[int, ...]

    def scores(self, frame: pd.DataFrame) -> Scores:
        """Return scores (rows, outputs) in contract order; raise `UserCodeError` when it can't."""
        name = "predict" if self.contract.task == "regression" else "predict_proba"
        try:
            found = getattr(self.model, name)(frame)
        # An estimator may raise anything; whatever it is, the user has to read it.
        except Exception as error:  # noqa: BLE001
            raise UserCodeError(
                f"the returned {class_name(self.model)} can't {name}() on the feature columns"
                f" {', '.join(map(str, frame.columns[:12]))}: {type(error).__name__}: {error}"
            ) from None
        scores = np.asarray(found, dtype=np.float64).reshape(len(frame), -1)
        if scores.shape[1] != len(self.order):
            raise UserCodeError(
                f"{class_name(self.model)}.{name}() gives {scores.shape[1]} values per row,"
                f" {len(self.order)} are expected"
            )
        scores = scores[:, list(self.order)]
        if not np.isfinite(scores).all():
            raise UserCodeError(
                f"{class_name(self.model)}.{name}() gives values that are not finite"
            )
        return scores


def native_model(model: object, contract: Contract) -> Native:
    """Check what `train` returned and find its class order; raise `UserCodeError` naming the class.

    A classifier's `classes_` are the contract's class names in any order, or the numbers 0, 1, ...
    (False, True), which count the classes in the contract's order.
    """
    if isinstance(model, tuple | list | dict | pd.DataFrame | np.ndarray):
        raise UserCodeError(
            f"train() returned a {class_name(model)}; return the estimator or ONNX model alone"
        )
    if contract.task == "regression":
        _demand(model, "predict", "")
        if hasattr(model, "predict_proba"):
            raise UserCodeError(f"{class_name(model)} is a classifier, but the task is regression")
        return Native(model, contract, (0,))
    hint = (
        "; wrap it in sklearn.calibration.CalibratedClassifierCV" if _is_classifier(model) else ""
    )
    _demand(model, "predict_proba", hint)
    return Native(model, contract, _class_order(model, contract))


def class_name(model: object) -> str:
    """Return the class of an estimator; of a pipeline also that of its last step."""
    name = type(model).__name__
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and steps:
        return f"{name}(... {type(steps[-1][1]).__name__})"
    return name


def _is_classifier(model: object) -> bool:
    return hasattr(model, "classes_")


def _demand(model: object, method: str, hint: str) -> None:
    if not callable(getattr(model, method, None)):
        raise UserCodeError(
            f"train() returned a {class_name(model)}, which has no {method}(){hint or ''};"
            " return a fitted scikit-learn style estimator, or an ONNX model"
        )


def _class_order(model: object, contract: Contract) -> tuple[int, ...]:
    try:
        raw = np.asarray(cast(Any, model).classes_).tolist()
    except AttributeError:
        raise UserCodeError(
            f"the returned {class_name(model)} has no classes_; is it fitted?"
        ) from None
    classes = contract.target.classes
    names = [str(name) for name in raw]
    if sorted(names) == sorted(classes):
        return tuple(names.index(name) for name in classes)
    if [type(c) for c in raw] in ([int] * len(raw), [bool] * len(raw)) and raw == list(
        range(len(classes))
    ):
        return tuple(range(len(classes)))
    raise UserCodeError(
        f"the classes_ of {class_name(model)} are {', '.join(names[:12])}, but model.toml declares"
        f" {', '.join(classes)}; fit on the target column as it comes"
    )
