"""Golden requests O7: a runtime that answers otherwise is refused, with row and difference."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.fakes.packages import package_bytes
from tidegate.encoding.encoder import Encoder
from tidegate.errors import IntakeError
from tidegate.package.archive import open_package
from tidegate.package.golden import check_golden
from tidegate.scoring.onnx_session import OnnxSession
from tidegate.scoring.session import Matrix

PACKAGE = open_package(package_bytes())
ENCODER = Encoder(PACKAGE.contract)


@dataclass
class FixedSession:
    """Answers the same whatever is asked."""

    scores: list[list[float]]

    def run(self, features: Matrix) -> Matrix:  # noqa: ARG002 - the port's
        return np.array(self.scores, dtype=np.float32)


def test_the_packaged_model_gives_the_packaged_answers() -> None:
    check_golden(PACKAGE, OnnxSession(PACKAGE.model), ENCODER)


def test_a_difference_within_the_tolerance_passes() -> None:
    # 16 is above 1, so the tolerance of 1e-4 is relative there.
    check_golden(PACKAGE, FixedSession([[16.0015], [1.00009]]), ENCODER)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([[16.0], [1.01]], r"golden row 1, output 0: the model answers 1.01, not 1: 0.01 apart"),
        ([[16.01], [1.0]], r"golden row 0, output 0: .* 0.0016 is allowed"),
        ([[16.0], [np.nan]], "golden row 1: the model's answer is not finite"),
        ([[np.inf], [1.0]], "golden row 0: the model's answer is not finite"),
        ([[16.0]], r"answers \(1, 1\) to golden requests, not \(2, 1\)"),
        ([[16.0, 0.0], [1.0, 0.0]], r"answers \(2, 2\)"),
    ],
)
def test_a_difference_beyond_it_is_named(scores: list[list[float]], expected: str) -> None:
    with pytest.raises(IntakeError, match=expected):
        check_golden(PACKAGE, FixedSession(scores), ENCODER)


def test_a_golden_request_against_the_contract_is_refused() -> None:
    records = ({"wind": -1.0, "harbour": "south"}, {"wind": 0.5, "harbour": "north"})
    package = replace(PACKAGE, golden=replace(PACKAGE.golden, records=records))

    with pytest.raises(IntakeError, match=r"the contract refuses.*row 0, column wind"):
        check_golden(package, FixedSession([[16.0], [1.0]]), ENCODER)
