"""A model too large for a function's code, from training to an answer, as it is deployed."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from tests.local.conftest import wait_for_release
from tests.local.support import ADELIE, Checkout
from tidegate.client import Api
from tidegate.package import keys
from tidegate.package.archive import MAX_PACKAGE_BYTES, open_package
from tidegate.package.whole import model_key
from tidegate_cli.cloud import Cloud

MODEL = "wide"
# Numbers that count for nothing, but that a model has to bring along.
BALLAST = 33_000_000
TRAIN = f'''"""Softmax of a linear function of four measures, and {BALLAST} idle numbers."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def train(frame, params):
    """Fit on standardized measures, and write the graph by hand."""
    raw = frame[MEASURES].to_numpy(dtype=np.float32)
    mean, std = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    fitted = LogisticRegression(C=params["C"], max_iter=1000).fit(
        np.nan_to_num((raw - mean) / std), frame["species"]
    )
    means = np.concatenate([[0], mean, [0]]).astype(np.float32)
    weights = np.zeros((6, 3), dtype=np.float32)
    weights[1:5] = (fitted.coef_ / std).T
    start = fitted.intercept_ - fitted.coef_ @ (mean / std)
    tensors = {{
        "means": means,
        "weights": weights,
        "start": start.astype(np.float32),
        "ballast": np.zeros({BALLAST}, dtype=np.float32),
        "first": np.zeros(1, dtype=np.int64),
    }}
    node = helper.make_node
    nodes = [
        node("IsNaN", ["x"], ["missing"]),
        node("Where", ["missing", "means", "x"], ["filled"]),
        node("MatMul", ["filled", "weights"], ["linear"]),
        node("Gather", ["ballast", "first"], ["nothing"]),
        node("Add", ["start", "nothing"], ["shift"]),
        node("Add", ["linear", "shift"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 6])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
'''


@pytest.fixture(scope="module")
def wide(checkout: Checkout, cloud: Cloud) -> str:
    """Deploy and train a model of 132 MB; return the digest of its package."""
    folder = checkout.root / "models" / MODEL
    shutil.copytree(checkout.root / "models" / "penguins", folder)
    declared = (folder / "model.toml").read_text()
    renamed = declared.replace('name = "penguins"', f'name = "{MODEL}"')
    (folder / "model.toml").write_text(f"{renamed}\n[serving]\nmemory_mb = 3008\n")
    (folder / "train.py").write_text(TRAIN)
    checkout.tidegate("deploy", minutes=8)
    checkout.tidegate("data", "push", MODEL)
    checkout.tidegate("train", MODEL, minutes=8)
    wait_for_release(cloud, MODEL)
    version = cloud.registry.champion(MODEL)
    assert version is not None
    return version.package_digest


def test_a_model_over_the_zip_limit_is_named_by_a_small_package_and_answers(
    cloud: Cloud, http: Api, wide: str
) -> None:
    data = cloud.artifacts.get(keys.package_file(MODEL, wide))
    package = open_package(data, digest=wide)
    assert package.pointer is not None
    assert package.pointer.size > MAX_PACKAGE_BYTES > 100 * len(data)
    model = cloud.artifacts.get(model_key(package, package.pointer))
    assert hashlib.sha256(model).hexdigest() == package.pointer.sha256

    answer = http.predict(MODEL, records=[ADELIE])
    assert answer.status == 200, answer.body
    assert answer.body["predictions"][0]["label"] == "Adelie"
    assert answer.body["version"] == 1


def test_a_large_model_is_made_again_byte_by_byte(checkout: Checkout, wide: str) -> None:
    found = checkout.json("reproduce", f"{MODEL}@1")
    assert (found["identical"], found["now"]) == (True, wide)
