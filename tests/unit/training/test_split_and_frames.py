"""The holdout split and the frame that user code sees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.fakes.training_samples import prepare
from tidegate.contract import MISSING, UNKNOWN
from tidegate.errors import DataError
from tidegate.project import Holdout
from tidegate.training.split import holdout_mask


def test_a_row_stays_on_its_side_when_data_are_added() -> None:
    small, large = prepare("binary", rows=500), prepare("binary", rows=500)
    policy = Holdout("random", fraction=0.2)
    first = holdout_mask(small.table, small.matrix, policy=policy, seed=7)
    backwards = np.arange(500)[::-1]
    again = holdout_mask(
        large.table.take(backwards), large.matrix[backwards], policy=policy, seed=7
    )
    assert (first == again[::-1]).all()
    assert 60 < first.sum() < 140


def test_another_seed_draws_other_rows() -> None:
    data, policy = prepare("binary", rows=500), Holdout("random", fraction=0.2)
    one = holdout_mask(data.table, data.matrix, policy=policy, seed=7)
    two = holdout_mask(data.table, data.matrix, policy=policy, seed=8)
    assert (one != two).any()


def test_latest_keeps_back_the_last_days_only() -> None:
    data = prepare("binary", rows=480, time=True)  # ten days
    mask = holdout_mask(data.table, data.matrix, policy=Holdout("latest", days=2), seed=7)
    assert mask.sum() == 96
    assert mask[-96:].all()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Holdout("latest", days=400), "keeps back 480 rows and leaves 0"),
        (Holdout("random", fraction=0.001), "are needed"),
    ],
    ids=["everything", "nearly nothing"],
)
def test_a_split_with_too_few_rows_on_a_side_is_refused(policy: Holdout, words: str) -> None:
    data = prepare("binary", rows=480, time=True)
    with pytest.raises(DataError, match=words):
        holdout_mask(data.table, data.matrix, policy=policy, seed=7)


def test_the_frame_has_the_declared_types_and_levels() -> None:
    data = prepare("binary", time=True)
    frame = data.frame
    assert frame["wind"].dtype == np.float64
    assert frame["holiday"].dtype == np.bool_
    assert frame["carrier"].cat.categories.tolist()[-1] == MISSING
    assert frame["origin"].cat.categories.tolist()[-1] == UNKNOWN
    assert isinstance(frame["at"].dtype, pd.DatetimeTZDtype)
    assert frame["outcome"].isin(["yes", "no"]).all()


def test_numbers_are_what_float32_can_hold() -> None:
    wind = prepare("binary").frame["wind"].to_numpy()
    assert np.array_equal(wind, wind.astype(np.float32).astype(np.float64), equal_nan=True)
