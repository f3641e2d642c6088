"""Reading scores: in few rows and in many it says the same as labels, shown and tracked do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import CONTRACT, MULTICLASS, REGRESSION
from tidegate.contract import Contract
from tidegate.scoring.predictions import labels, shown, tracked
from tidegate.scoring.reading import Read, Reading
from tidegate.scoring.session import Matrix

TASKS = pytest.mark.parametrize(
    "contract", [CONTRACT, MULTICLASS, REGRESSION], ids=lambda one: one.task
)


def both(contract: Contract, scores: Matrix) -> list[Read | None]:
    reading = Reading(contract)
    return [reading.many(scores), reading.few(tuple(scores.ravel().tolist()))]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, -1])
@pytest.mark.parametrize("rows", [1, 3])
@TASKS
def test_one_number_that_is_not_finite_is_found(
    contract: Contract, rows: int, column: int, bad: float
) -> None:
    scores = np.full((rows, contract.outputs), 3e38, dtype=np.float32)
    assert None not in both(contract, scores)

    scores[rows // 2, column] = bad
    assert both(contract, scores) == [None, None]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_other_side_of_a_probability_is_looked_at(bad: float) -> None:
    assert both(CONTRACT, np.array([[bad, 0.5]], dtype=np.float32)) == [None, None]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_score_at_the_threshold_reaches_it(rows: int) -> None:
    score = np.float32(CONTRACT.threshold)
    below = np.nextafter(score, np.float32(0))
    for positive, place in ((score, 1), (below, 0)):
        scores = np.full((rows, 2), positive, dtype=np.float32)
        assert [list(found.places) for found in both(CONTRACT, scores) if found] == [
            [place] * rows,
            [place] * rows,
        ]


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("halves", [1, 3, 5, 63, 127])
def test_half_a_millionth_is_rounded_to_the_even_one(halves: int, rows: int) -> None:
    score = halves / 128  # times a million this is a whole number and a half
    few, many = (
        found.shown for found in both(CONTRACT, np.full((rows, 2), score, np.float32)) if found
    )
    assert few == many == [round(score * 1e6) / 1e6] * rows


@pytest.mark.parametrize("score", [-0.0, -1e-9, 1.0, 1.0000001, -3.5, 2.0**31, -3e38])
def test_a_score_that_is_no_probability_is_told_alike(score: float) -> None:
    few, many = (found for found in both(CONTRACT, np.full((1, 2), score, np.float32)) if found)
    assert np.array(few.shown).tobytes() == np.array(many.shown).tobytes()


@given(st.lists(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3), min_size=1))
@TASKS
def test_scores_are_read_alike_in_few_and_in_many_rows(
    contract: Contract, rows: list[list[float]]
) -> None:
    scores = np.array(rows, dtype=np.float32)[:, : contract.outputs]
    for found in both(contract, scores):
        assert found is not None
        classes = contract.target.classes
        assert tuple(classes[place] for place in found.places) == labels(contract, scores)
        assert np.array(found.shown).tobytes() == shown(contract, scores).tobytes()
        assert list(found.tracked) == tracked(contract, scores).tolist()
