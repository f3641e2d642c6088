"""The warm-up: a package that can't answer its own golden request is a fault of the package."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fakes.onnx_models import CONTRACT, linear
from tests.fakes.package import package
from tests.fakes.served import FewByMatrix
from tidegate.errors import PackageError
from tidegate.package.archive import open_package
from tidegate.package.manifest import Golden
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.scoring.session import Matrix
from tidegate.serving.predictor import Predictor
from tidegate.serving.served import Served
from tidegate.serving.warming import warm_up

GOLDEN = open_package(package()).golden
KEY = "a receipt key of this test"


class Counting(FewByMatrix):
    """`Session` that answers one number and counts its runs."""

    def __init__(self, answer: float) -> None:
        self.runs, self._answer, self.columns = 0, answer, len(CONTRACT.columns)

    def run(self, features: Matrix) -> Matrix:
        self.runs += 1
        return np.full((len(features), 1), self._answer, np.float32)


def predictor(session: object) -> Predictor:
    served = Served("ferry-delay", 1, "r-1")
    return Predictor(CONTRACT, session, served=served, receipt_key=KEY)  # type: ignore[arg-type]


def test_the_whole_path_runs_once() -> None:
    session = Counting(3.0)
    warm_up(predictor(session), GOLDEN)
    assert session.runs == 1


def test_a_real_session_is_warmed() -> None:
    warm_up(predictor(OnnxSession(linear().SerializeToString())), GOLDEN)


def test_a_refused_golden_request_is_the_package_s_fault() -> None:
    golden = Golden(({"wind": -1.0, "harbour": "south"},), ((30.0,),))
    with pytest.raises(PackageError, match=r"golden\.json: the contract refuses the first request"):
        warm_up(predictor(Counting(3.0)), golden)


def test_an_answer_that_is_not_finite_is_the_package_s_fault() -> None:
    with pytest.raises(PackageError, match=r"golden\.json: the model has no finite answer"):
        warm_up(predictor(Counting(float("nan"))), GOLDEN)


def test_a_run_that_fails_is_the_package_s_fault() -> None:
    class Broken(FewByMatrix):
        columns = len(CONTRACT.columns)

        def run(self, features: Matrix) -> Matrix:
            raise PackageError(f"ONNX Runtime can't run the model on {len(features)} row")

    with pytest.raises(PackageError, match="can't run"):
        warm_up(predictor(Broken()), GOLDEN)
