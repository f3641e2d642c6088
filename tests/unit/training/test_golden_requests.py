"""Golden requests cover what is rare: one null or one unknown place among many rows is in."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fakes.training_samples import prepare
from tidegate.contract import Column
from tidegate.encoding.encoder import Encoder
from tidegate.scoring.session import Matrix
from tidegate.training.golden import json_value, make_golden


class Sums:
    """A session whose scores are sums of the features."""

    def run(self, features: Matrix) -> Matrix:
        high = 1 / (1 + np.exp(-np.nan_to_num(features).sum(axis=1) / 50))
        return np.column_stack([1 - high, high]).astype(np.float32)


def test_the_only_null_and_the_only_unknown_place_are_among_the_requests() -> None:
    data = prepare("binary", rows=800)
    columns = {name: values.copy() for name, values in data.table.columns.items()}
    columns["wind"] = np.nan_to_num(columns["wind"], nan=4.0)
    columns["carrier"] = np.where(columns["carrier"] == "", "A", columns["carrier"])
    columns["origin"] = np.where(columns["origin"] == "SWF", "EWR", columns["origin"])
    columns["wind"][400], columns["carrier"][410], columns["origin"][420] = np.nan, "", "SWF"
    scores = Sums().run(Encoder(data.contract).arrays(columns))
    golden = make_golden(columns, data.contract, scores=scores, session=Sums())
    assert len(golden.records) == len(golden.scores) == 16
    assert any(record["wind"] is None for record in golden.records)
    assert any(record["carrier"] is None for record in golden.records)
    assert any(record["origin"] == "SWF" for record in golden.records)
    spread = [scores[1] for scores in golden.scores]
    assert min(spread) == pytest.approx(float(scores[:, 1].min()), abs=0.01)
    assert max(spread) == pytest.approx(float(scores[:, 1].max()), abs=0.01)


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (np.float64(7.0), Column("hour", "integer"), 7),
        (np.float64(0.0), Column("flag", "boolean"), False),
        (np.float64("nan"), Column("wind", "float", nullable=True), None),
        (np.str_(""), Column("carrier", "category", categories=("A",), nullable=True), None),
        (np.str_("A"), Column("carrier", "category", categories=("A",)), "A"),
    ],
)
def test_a_stored_value_becomes_what_a_request_would_carry(
    value: object, column: Column, expected: object
) -> None:
    found = json_value(value, column)
    assert found == expected
    assert type(found) is type(expected)
