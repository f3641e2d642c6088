"""How a `Session` behaves: ours, and ONNX Runtime's own Python package as the reference."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.fakes.onnx_models import WEIGHTS, chain, linear, model_of, value
from tests.fakes.pybind_session import PybindSession
from tidegate.errors import PackageError
from tidegate.scoring import ort_api
from tidegate.scoring.onnx_session import (
    KEPT_FRAMES,
    KEPT_VALUES,
    OnnxSession,
    threads_for,
)
from tidegate.scoring.session import Matrix, Session

SESSIONS = (OnnxSession, PybindSession)
Open = Callable[..., Session]


def trees(*, columns: int, outputs: int, count: int, seed: int = 0) -> Any:
    """Return an ensemble of `count` trees of depth one for `outputs` classes."""
    rng = np.random.default_rng(seed)
    roots = np.arange(count)
    ids = np.repeat(roots, 3).tolist()
    branch = ["BRANCH_LEQ", "LEAF", "LEAF"] * count
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=outputs,
        nodes_treeids=ids,
        nodes_nodeids=[0, 1, 2] * count,
        nodes_featureids=np.repeat(rng.integers(0, columns, count), 3).tolist(),
        nodes_modes=branch,
        nodes_values=np.repeat(rng.normal(size=count), 3).tolist(),
        nodes_truenodeids=[1, 0, 0] * count,
        nodes_falsenodeids=[2, 0, 0] * count,
        nodes_missing_value_tracks_true=rng.integers(0, 2, 3 * count).tolist(),
        target_treeids=np.repeat(roots, 2).tolist(),
        target_nodeids=[1, 2] * count,
        target_ids=np.repeat(rng.integers(0, outputs, count), 2).tolist(),
        target_weights=rng.normal(size=2 * count).tolist(),
    )
    return model_of([node], inputs=[value("features", columns)], outputs=[value("scores", outputs)])


def dense(*, columns: int, outputs: int, seed: int = 0) -> Any:
    """Return softmax(x W)."""
    weights = np.random.default_rng(seed).normal(size=(columns, outputs)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["scores"], axis=1),
    ]
    return model_of(
        nodes,
        inputs=[value("features", columns)],
        outputs=[value("scores", outputs)],
        initializers=[numpy_helper.from_array(weights, "weights")],
    )


MODELS = {
    "linear": linear(),
    "logarithm": chain(("Log", {})),
    "one tree": trees(columns=1, outputs=1, count=1),
    "trees": trees(columns=20, outputs=1, count=300),
    "trees of classes": trees(columns=7, outputs=5, count=90),
    "dense": dense(columns=20, outputs=2),
    "dense and wide": dense(columns=200, outputs=11),
}
INPUT_TO_OUTPUT = model_of(
    [helper.make_node("Identity", ["features"], ["scores"])], outputs=[value("scores", 2)]
)


@pytest.fixture(params=SESSIONS, ids=lambda one: one.__name__)
def opened(request: pytest.FixtureRequest) -> Open:
    made: Open = request.param
    return made


def matrix(rows: int, columns: int, *, seed: int = 1) -> Matrix:
    """Return normal numbers with NaN and infinities among them."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(rows, columns)).astype(np.float32)
    found[rng.random(found.shape) < 0.05] = np.nan
    found[rng.random(found.shape) < 0.02] = np.inf
    return found


def columns_of(model: Any) -> int:
    return int(model.graph.input[0].type.tensor_type.shape.dim[1].dim_value)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rows", [0, 1, 2, 100, 1000])
def test_both_give_the_same_bits(name: str, rows: int) -> None:
    model = MODELS[name].SerializeToString()
    features = matrix(rows, columns_of(MODELS[name]))
    ours, theirs = (opened(model) for opened in SESSIONS)
    for _ in range(2):  # the second time with what the first one kept
        found, expected = ours.run(features), theirs.run(features)
        assert found.tobytes() == expected.tobytes()
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_rows_without_an_array_give_the_same_numbers(name: str, rows: int) -> None:
    session = OnnxSession(MODELS[name].SerializeToString())
    features = matrix(rows, columns_of(MODELS[name]))
    for _ in range(2):
        few = session.run_few(features.tobytes())
        assert np.float32(few).tobytes() == session.run(features).tobytes()


@pytest.mark.parametrize("size", [1, 7, 9, 12])
def test_a_part_of_a_row_is_refused(size: int) -> None:
    session = OnnxSession(linear().SerializeToString())
    with pytest.raises(PackageError, match="its input is a float32 matrix of 2 columns"):
        session.run_few(bytes(size))
    assert session.run_few(np.float32([1, 1]).tobytes()) == (12.0,)


def test_a_run_of_few_rows_that_fails_says_why() -> None:
    session = OnnxSession(lying(3, 1).SerializeToString())
    with pytest.raises(PackageError, match=r"can't run the model: .*computed output shape"):
        session.run_few(np.ones((2, 2), np.float32).tobytes())


@pytest.mark.parametrize("order", ["F", "strided", "read-only"])
@pytest.mark.parametrize("rows", [3, 5000])
def test_a_matrix_may_lie_in_memory_as_it_likes(opened: Open, order: str, rows: int) -> None:
    features = matrix(rows, 2)
    given = np.asfortranarray(features) if order == "F" else features.copy()
    if order == "strided":
        given = np.repeat(features, 2, axis=0)[::2]
    given.flags.writeable = order != "read-only"
    session = opened(linear().SerializeToString())
    assert session.run(given).tobytes() == session.run(features).tobytes()


@pytest.mark.parametrize("rows", [1, 5000])
@pytest.mark.parametrize("model", [linear(), INPUT_TO_OUTPUT], ids=["linear", "identity"])
def test_scores_belong_to_the_caller(opened: Open, model: Any, rows: int) -> None:
    session, features = opened(model.SerializeToString()), matrix(rows, 2)
    before = features.copy()
    first = session.run(features)
    kept = first.copy()
    second = session.run(features + 1)
    second[...] = 7
    assert first.tobytes() == kept.tobytes()
    assert features.tobytes() == before.tobytes()
    assert first.flags.writeable
    assert first.flags.c_contiguous


def test_scores_outlive_their_session(opened: Open) -> None:
    scores = [opened(linear().SerializeToString()).run(matrix(rows, 2)) for rows in (1, 5000)]
    expected = [one.copy() for one in scores]
    gc.collect()
    assert [one.tobytes() for one in scores] == [one.tobytes() for one in expected]


@pytest.mark.parametrize(
    "features",
    [
        np.ones((2, 3), np.float32),
        np.ones((2, 2), np.float64),
        np.ones(2, np.float32),
        np.ones((1, 2, 2), np.float32),
    ],
    ids=["columns", "float64", "one dimension", "three dimensions"],
)
def test_a_matrix_of_another_form_is_refused_and_the_next_one_answered(
    opened: Open, features: Any
) -> None:
    session = opened(linear().SerializeToString())
    with pytest.raises(PackageError, match="ONNX Runtime can't run the model"):
        session.run(features)
    assert session.run(np.ones((1, 2), np.float32)).tolist() == [[12.0]]


def test_a_matrix_of_another_byte_order_is_refused() -> None:
    session = OnnxSession(linear().SerializeToString())  # the reference reads wrong numbers
    with pytest.raises(PackageError, match="its input is a float32 matrix of 2 columns"):
        session.run(np.ones((1, 2), ">f4"))


@pytest.mark.parametrize("model", [b"", b"no model\n", linear().SerializeToString()[:60]])
def test_what_is_no_model_is_refused(opened: Open, model: bytes) -> None:
    with pytest.raises(PackageError, match="ONNX Runtime can't load the model: "):
        opened(model)


@pytest.mark.parametrize("side", ["input", "output"])
def test_other_names_are_refused(opened: Open, side: str) -> None:
    model = linear()
    node = model.graph.node[0]
    getattr(model.graph, side)[0].name = getattr(node, side)[0] = "other"
    with pytest.raises(PackageError, match=r"\['other'\]"):
        opened(model.SerializeToString())


def test_an_unknown_operator_is_refused(opened: Open) -> None:
    model = model_of([helper.make_node("Invented", ["features"], ["scores"])])
    with pytest.raises(PackageError, match=r"can't load the model: .*Invented"):
        opened(model.SerializeToString())


def lying(rows: int, columns: int) -> Any:
    """Return a model that declares (any, 1) and answers (rows, columns)."""
    length = numpy_helper.from_array(np.array([rows, columns], np.int64), "length")
    nodes = [
        helper.make_node("ReduceSum", ["features"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["rough"], to=TensorProto.INT64),
        helper.make_node("Sub", ["rough", "rough"], ["zero"]),
        helper.make_node("Add", ["length", "zero"], ["shape"]),
        helper.make_node("Expand", ["sum", "shape"], ["scores"]),
    ]
    return model_of(nodes, initializers=[length])


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (2, 2), (4000, 1)])
def test_scores_of_another_shape_than_declared_are_refused(shape: tuple[int, int]) -> None:
    session = OnnxSession(lying(*shape).SerializeToString())
    with pytest.raises(PackageError, match=r"can't run the model: .*computed output shape"):
        session.run(np.ones((2, 2), np.float32))
    assert (
        PybindSession(lying(*shape).SerializeToString()).run(np.ones((2, 2), np.float32)).shape
        == shape
    )


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ([value("features", 2, kind=TensorProto.DOUBLE)], None),
        (None, [value("scores", 2, kind=TensorProto.INT64)]),
        (None, [value("scores", 2, rows=4)]),
        (None, [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, None, 1])]),
    ],
    ids=["double in", "integers out", "fixed rows", "three dimensions"],
)
def test_a_signature_that_is_not_canonical_is_refused_when_loaded(
    inputs: Any, outputs: Any
) -> None:
    kind = (outputs or [value("scores", 2)])[0].type.tensor_type.elem_type
    node = helper.make_node("Cast", ["features"], ["scores"], to=kind)
    model = model_of([node], inputs=inputs, outputs=outputs or [value("scores", 2)])
    with pytest.raises(PackageError, match=r"the model's (in|out)put is \[.*\], not float32|load"):
        OnnxSession(model.SerializeToString())


def test_threads_do_not_mix_their_rows(opened: Open) -> None:
    session = opened(trees(columns=20, outputs=3, count=50).SerializeToString())
    asked = [matrix(1 + i % 7, 20, seed=i) for i in range(64)] + [matrix(300, 20, seed=99)] * 4
    expected = [session.run(features).tobytes() for features in asked]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found = [one.tobytes() for one in pool.map(session.run, asked)]
            assert found == expected


def test_threads_do_not_mix_few_rows() -> None:
    session = OnnxSession(trees(columns=20, outputs=3, count=50).SerializeToString())
    asked = [matrix(1 + i % 7, 20, seed=i).tobytes() for i in range(64)]
    expected = [np.float32(session.run_few(one)).tobytes() for one in asked]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            found = pool.map(session.run_few, asked)
            assert [np.float32(scores).tobytes() for scores in found] == expected


def test_two_models_live_side_by_side(opened: Open) -> None:
    first, second = (
        opened(dense(columns=4, outputs=2, seed=i).SerializeToString()) for i in (1, 2)
    )
    features = np.ones((1, 4), np.float32)
    expected = first.run(features)
    assert not np.array_equal(second.run(features), expected)
    del second
    gc.collect()
    assert np.array_equal(first.run(features), expected)


def resident() -> int:
    """Return this process's memory in bytes; its peak where the system doesn't tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("rows", [1, KEPT_VALUES])  # a frame that is kept, and one that is not
def test_runs_keep_no_memory(rows: int) -> None:
    session, features = OnnxSession(linear().SerializeToString()), matrix(rows, 2)
    runs, packed = (20_000 if rows == 1 else 4_000), features[:1].tobytes()
    for _ in range(1_000):
        session.run(features)
    before = resident()
    for _ in range(runs):
        session.run(features)
        session.run_few(packed)
    assert resident() - before < 1_500_000  # a value or status of 80 bytes each would be more


def test_failures_and_sessions_keep_no_memory() -> None:
    model = linear().SerializeToString()
    wrong = OnnxSession(lying(3, 1).SerializeToString())

    def once() -> None:
        OnnxSession(model).run(np.ones((1, 2), np.float32))
        with pytest.raises(PackageError):
            wrong.run(np.ones((1, 2), np.float32))
        with pytest.raises(PackageError):
            OnnxSession(b"no model")

    for _ in range(50):
        once()
    gc.collect()
    before = resident()
    for _ in range(300):
        once()
    assert resident() - before < 3_000_000  # one session kept is 20 kB and more


def test_a_status_is_released() -> None:
    ort = ort_api.ort_api()
    options = ort.made("SessionOptions", "CreateSessionOptions")

    def refused(times: int) -> int:
        for _ in range(times):
            with suppress(PackageError):
                ort.call("SetSessionGraphOptimizationLevel", options.pointer, 77)
        return resident()

    before = refused(1_000)
    assert refused(20_000) - before < 700_000  # 20,000 texts of 40 characters are more


def test_row_counts_of_all_kinds_keep_few_frames() -> None:
    session = OnnxSession(linear().SerializeToString())
    for rows in range(3 * KEPT_FRAMES):
        session.run(np.ones((rows, 2), np.float32))
        assert len(session._frames) <= KEPT_FRAMES


def test_a_frame_serves_the_next_run_of_as_many_rows() -> None:
    session = OnnxSession(linear().SerializeToString())
    rows = np.ones((3, 2), np.float32)
    session.run(rows)
    (frame,) = session._frames.values()
    session.run_few(rows.tobytes())
    session.run(rows)
    assert session._frames == {rows.nbytes: frame}


def test_a_library_that_is_another_one_is_refused(tmp_path: Path) -> None:
    no_library = tmp_path / "libonnxruntime.so.9"
    no_library.write_bytes(b"\x7fELF")
    with pytest.raises(PackageError, match=r"libonnxruntime\.so\.9 is no ONNX Runtime"):
        ort_api.OrtApi(str(no_library))
    with pytest.raises(PackageError, match="is no ONNX Runtime"):
        ort_api.OrtApi(str(Path(ctypes.__file__).with_name("none.so")))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(PackageError, match=r"onnxruntime/capi/.* isn't on sys\.path"):
        ort_api._library()


class Counted:
    """A library that takes a while to load, and counts how often it is."""

    made = 0

    def __init__(self, _: str) -> None:
        time.sleep(0.05)
        Counted.made += 1


def test_a_library_that_is_loaded_ahead_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort_api, "_loaded", [])
    monkeypatch.setattr(ort_api, "OrtApi", Counted)
    monkeypatch.setattr(Counted, "made", 0)
    ort_api.load_ahead()
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: ort_api.ort_api(), range(4)))
    assert (len(found), Counted.made) == (1, 1)


def test_loading_ahead_comes_to_its_end_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort_api, "_loaded", [])
    ort_api.load_ahead()
    limit = time.monotonic() + 20
    while not ort_api._loaded and time.monotonic() < limit:
        time.sleep(0.01)
    assert ort_api._loaded == [ort_api.ort_api()]


def test_what_fails_ahead_is_told_to_whoever_asks(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ort_api, "_loaded", [])
    monkeypatch.setattr(ort_api, "_library", lambda: "libnone.so")
    ort_api._load()
    for _ in range(2):
        with pytest.raises(PackageError, match=r"libnone\.so is no ONNX Runtime"):
            ort_api.ort_api()
    assert capfd.readouterr() == ("", "")


def test_the_installed_runtime_is_the_pinned_one() -> None:
    lock = (Path(__file__).parents[3] / "layers/inference/requirements.txt").read_text()
    assert f"onnxruntime=={ort_api.ort_api().version} " in lock


@pytest.mark.parametrize(
    ("memory_mb", "threads"), [(0, 1), (128, 1), (1769, 1), (3537, 1), (3538, 2), (10_240, 5)]
)
def test_a_thread_for_every_whole_processor(memory_mb: int, threads: int) -> None:
    assert threads_for(memory_mb) == threads


def test_several_threads_add_in_another_order_and_no_more() -> None:
    model = trees(columns=20, outputs=1, count=300).SerializeToString()
    one, two = OnnxSession(model), OnnxSession(model, threads=2)
    for rows in (1, 100, 1000):
        features = matrix(rows, 20)
        np.testing.assert_allclose(one.run(features), two.run(features), rtol=1e-4, atol=1e-5)


def test_weights_of_the_fake_are_as_written() -> None:
    scores = OnnxSession(linear().SerializeToString()).run(np.eye(2, dtype=np.float32))
    assert scores.tolist() == WEIGHTS.tolist()
