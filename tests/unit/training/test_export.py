"""Export: every class of estimator that Tidegate promises, and clear words about the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from onnx import TensorProto, helper, numpy_helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from tests.fakes.pybind_session import PybindSession
from tests.fakes.training_samples import Prepared, prepare
from tidegate.contract import Task
from tidegate.errors import ExportError, ParityError, UserCodeError
from tidegate.package.intake import inspect_model
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.training.export import Exported, Sample, export, native_model
from tidegate.training.export.trees import floor32

pytestmark = [
    # Warnings of other people's estimators are not ours to fix.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
NUMBERS, NAMES = ["wind", "hour", "holiday"], ["carrier", "origin"]
SMALL = {"n_estimators": 15, "num_leaves": 8, "n_jobs": 1, "verbose": -1}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):  # threads of OpenMP spin, and tests share their cores
        yield


def columns(*, scale: bool = False) -> ColumnTransformer:
    steps = [SimpleImputer(strategy="median"), *([StandardScaler()] if scale else [])]
    encode = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer([("n", make_pipeline(*steps), NUMBERS), ("c", encode, NAMES)])


def logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=500)


def exported(model: Any, prepared: Prepared) -> Exported:
    model.fit(prepared.features, prepared.frame["outcome"])
    sample = Sample(prepared.features, prepared.matrix)
    return export(model, prepared.contract, sample=sample, open_session=OnnxSession)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "lightgbm on the frame": lambda: LGBMClassifier(**SMALL),
    "hist boosting on the frame": lambda: HistGradientBoostingClassifier(max_iter=8),
    "hist boosting in a bare pipeline": lambda: Pipeline(
        [("nothing", "passthrough"), ("model", HistGradientBoostingClassifier(max_iter=4))]
    ),
    "logistic pipeline": lambda: make_pipeline(columns(scale=True), logistic()),
    "forest pipeline": lambda: make_pipeline(columns(), RandomForestClassifier(8, max_depth=5)),
    "lightgbm pipeline": lambda: make_pipeline(columns(), LGBMClassifier(**SMALL)),
    "calibrated": lambda: make_pipeline(columns(), CalibratedClassifierCV(LinearSVC(), cv=2)),
    "search": lambda: GridSearchCV(
        make_pipeline(columns(scale=True), logistic()), {"logisticregression__C": [0.1, 1]}, cv=2
    ),
    "voting": lambda: make_pipeline(
        columns(), VotingClassifier([("a", logistic()), ("b", logistic())], voting="soft")
    ),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "lightgbm on the frame": lambda: LGBMRegressor(**SMALL),
    "lightgbm with a log link": lambda: LGBMRegressor(**SMALL, objective="tweedie"),
    "lightgbm of one leaf": lambda: LGBMRegressor(**{**SMALL, "min_child_samples": 5000}),
    "hist boosting on the frame": lambda: HistGradientBoostingRegressor(max_iter=8),
    "hist boosting with a log link": lambda: HistGradientBoostingRegressor(
        max_iter=8, loss="poisson"
    ),
    "ridge pipeline": lambda: make_pipeline(columns(scale=True), Ridge()),
    "boosting pipeline": lambda: make_pipeline(
        columns(), GradientBoostingRegressor(n_estimators=10)
    ),
}
CASES = [
    pytest.param(task, make, id=f"{task}: {name}")
    for task, makers in (
        ("binary", CLASSIFIERS),
        ("multiclass", CLASSIFIERS),
        ("regression", REGRESSORS),
    )
    for name, make in makers.items()
]


@pytest.mark.parametrize(("task", "make"), CASES)
def test_exported_model_is_canonical_and_answers_as_the_native_one_on_unseen_rows(
    task: Task, make: Callable[[], Any]
) -> None:
    model = make()
    found = exported(model, prepare(task))
    inspect_model(found.model, prepare(task, rows=40).contract)
    fresh = prepare(task, rows=900, seed=5)
    native = native_model(model, fresh.contract).scores(fresh.features)
    scores = OnnxSession(found.model).run(fresh.matrix)
    np.testing.assert_allclose(scores, native, rtol=1e-4, atol=1e-4)
    assert scores.tobytes() == PybindSession(found.model).run(fresh.matrix).tobytes()


def test_neighbouring_numbers_stay_on_their_sides_of_a_split() -> None:
    one = np.float32(1.0)
    above = np.nextafter(one, np.float32(2.0))
    split = (float(one) + 1.5 * (float(above) - float(one)) / 2, float(one))
    assert float(np.float32(split[0])) == float(above)  # what rounding to the nearest would make
    assert floor32(split[0]) == split[1]


def test_a_null_that_training_never_saw_counts_as_lightgbm_counts_it() -> None:
    prepared = prepare("regression")
    model = LGBMRegressor(**SMALL)
    filled = prepared.features.assign(wind=prepared.features["wind"].fillna(3.0))
    model.fit(filled, prepared.frame["outcome"])
    matrix = np.nan_to_num(prepared.matrix, nan=3.0)
    sample = Sample(filled, matrix)
    found = export(model, prepared.contract, sample=sample, open_session=OnnxSession)
    np.testing.assert_allclose(
        OnnxSession(found.model).run(prepared.matrix)[:, 0],
        model.predict(prepared.features),
        rtol=1e-4,
    )


def test_scores_stand_in_the_order_of_the_contract_and_not_of_the_estimator() -> None:
    prepared = prepare("multiclass")  # zero, one, two: sorted by the estimator to one, two, zero
    model = make_pipeline(columns(scale=True), logistic())
    found = exported(model, prepared)
    assert model.classes_.tolist() == ["one", "two", "zero"]
    proba = model.predict_proba(prepared.features)
    scores = OnnxSession(found.model).run(prepared.matrix)
    np.testing.assert_allclose(scores[:, 0], proba[:, 2], atol=1e-5)


def test_numbers_as_classes_count_the_classes_of_the_contract() -> None:
    prepared = prepare("binary")
    model = LGBMClassifier(**SMALL)
    model.fit(prepared.features, (prepared.frame["outcome"] == "yes").astype(int))
    assert native_model(model, prepared.contract).order == (0, 1)


def test_classes_that_the_contract_does_not_have_are_refused_by_name() -> None:
    prepared = prepare("binary")
    model = LGBMClassifier(**SMALL)
    model.fit(prepared.features, prepared.frame["outcome"].map({"yes": "late", "no": "early"}))
    with pytest.raises(UserCodeError, match=r"early, late, but model.toml declares no, yes"):
        native_model(model, prepared.contract)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        pytest.param(
            lambda: make_pipeline(
                ColumnTransformer([("f", FunctionTransformer(np.log1p), ["hour"])]), logistic()
            ),
            ExportError,
            r"Pipeline\(... LogisticRegression\) can't be exported.*FunctionTransformer",
            id="a function of one's own",
        ),
        pytest.param(
            lambda: make_pipeline(columns(), LinearSVC()),
            UserCodeError,
            r"no predict_proba\(\); wrap it in sklearn.calibration",
            id="no probabilities",
        ),
    ],
)
def test_what_has_no_exact_form_is_refused_with_its_class_and_advice(
    make: Callable[[], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        exported(make(), prepare("binary"))


def test_a_form_that_answers_differently_is_refused_with_the_numbers() -> None:
    leaves_are_models = LGBMRegressor(**SMALL, linear_tree=True)  # ONNX trees have constant leaves
    with pytest.raises(ParityError, match=r"LGBMRegressor answers differently: \d+ of 500 rows"):
        exported(leaves_are_models, prepare("regression"))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ((1, 2), "returned a tuple"),
        ("model.pkl", "returned a str, which has no predict_proba"),
        (LGBMClassifier(), "has no classes_; is it fitted"),
    ],
    ids=["tuple", "text", "unfitted"],
)
def test_what_is_no_fitted_estimator_is_named(model: object, words: str) -> None:
    with pytest.raises(UserCodeError, match=words):
        native_model(model, prepare("binary", rows=40).contract)


def test_classifier_for_a_regression_is_refused() -> None:
    with pytest.raises(UserCodeError, match="is a classifier, but the task is regression"):
        native_model(LGBMClassifier(), prepare("regression", rows=40).contract)


def linear(*, inputs: str, outputs: str, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    node = helper.make_node("MatMul", [inputs, "weights"], [outputs])
    weights = numpy_helper.from_array(np.ones((5, 1), np.float32), "weights")
    graph = helper.make_graph(
        [node],
        "users",
        [helper.make_tensor_value_info(inputs, kind, [None, 5])],
        [helper.make_tensor_value_info(outputs, kind, [None, 1])],
        initializer=[weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("inputs", ["X", "features", "scores"])
@pytest.mark.parametrize("outputs", ["variable", "scores2"])
def test_an_onnx_model_of_the_users_own_is_brought_into_canonical_form(
    inputs: str, outputs: str
) -> None:
    prepared = prepare("regression", rows=60)
    model = linear(inputs=inputs, outputs=outputs).SerializeToString()
    sample = Sample(prepared.features, prepared.matrix)
    found = export(model, prepared.contract, sample=sample, open_session=OnnxSession)
    inspect_model(found.model, prepared.contract)
    expected = np.nan_to_num(prepared.matrix).sum(axis=1)
    scores = OnnxSession(found.model).run(np.nan_to_num(prepared.matrix))
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (b"no onnx", "bytes that are no ONNX model"),
        (linear(inputs="X", outputs="y", kind=TensorProto.DOUBLE), "must be float32"),
    ],
    ids=["other bytes", "doubles"],
)
def test_an_unfit_onnx_model_is_refused(model: object, words: str) -> None:
    prepared = prepare("regression", rows=60)
    sample = Sample(prepared.features, prepared.matrix)
    with pytest.raises(ExportError, match=words):
        export(model, prepared.contract, sample=sample, open_session=OnnxSession)
