"""Bounded runs O2, O3: whatever a model does when it runs, this process lives and says why."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.fakes.onnx_models import allocation_bomb, chain, endless_loop, linear
from tidegate.errors import IntakeError, PackageError
from tidegate.package.bounded import BoundedSession, Limits, _environment
from tidegate.scoring.onnx_session import OnnxSession

FEATURES = np.array([[3.0, 1.0], [0.5, 0.0]], dtype=np.float32)
QUICK = Limits(memory_mb=256, cpu_seconds=2, wall_seconds=10)


def test_a_bounded_run_answers_as_a_session_in_this_process_does() -> None:
    model = linear().SerializeToString()

    assert BoundedSession(model).run(FEATURES).tolist() == [[16.0], [1.0]]
    assert OnnxSession(model).run(FEATURES).tolist() == [[16.0], [1.0]]


def test_an_endless_loop_ends_at_the_clock() -> None:
    limits = Limits(memory_mb=256, cpu_seconds=60, wall_seconds=2.5)
    start = time.monotonic()

    with pytest.raises(IntakeError, match=r"did not answer within 2\.5 s"):
        BoundedSession(endless_loop().SerializeToString(), limits=limits).run(FEATURES)

    assert time.monotonic() - start < 10


def test_an_endless_loop_ends_at_its_cpu_time() -> None:
    limits = Limits(memory_mb=256, cpu_seconds=1, wall_seconds=30)

    with pytest.raises(IntakeError, match="more than 1 s of CPU time"):
        BoundedSession(endless_loop().SerializeToString(), limits=limits).run(FEATURES)


@pytest.mark.parametrize("elements", [10**9, 2**62])
def test_an_allocation_bomb_is_refused(elements: int) -> None:
    model = allocation_bomb(elements).SerializeToString()

    with pytest.raises(IntakeError, match="model"):
        BoundedSession(model, limits=QUICK).run(FEATURES)


def test_a_small_allocation_is_no_bomb() -> None:
    model = allocation_bomb(1000).SerializeToString()

    assert BoundedSession(model, limits=QUICK).run(FEATURES).tolist() == [[1016.0], [1001.0]]


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(IntakeError, match="ONNX Runtime can't load the model"):
        BoundedSession(b"no model\n", limits=QUICK).run(FEATURES)
    with pytest.raises(PackageError, match="ONNX Runtime can't load the model"):
        OnnxSession(b"no model\n")


def test_a_model_of_other_names_is_refused() -> None:
    model = linear()
    model.graph.output[0].name = model.graph.node[0].output[0] = "answer"

    with pytest.raises(PackageError, match=r"\['features'\] -> \['answer'\]"):
        OnnxSession(model.SerializeToString())


def test_a_run_that_fails_is_a_package_error() -> None:
    session = OnnxSession(linear().SerializeToString())

    with pytest.raises(PackageError, match="ONNX Runtime can't run the model"):
        session.run(np.ones((2, 3), dtype=np.float32))


def test_an_answer_of_other_rows_is_refused() -> None:
    model = chain(("ReduceSum", {"keepdims": 1})).SerializeToString()

    with pytest.raises(IntakeError, match=r"output is \[1, 1\], not float32 of any rows"):
        BoundedSession(model, limits=QUICK).run(FEATURES)


def test_the_child_gets_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")

    assert "made-up" not in _environment().values()
