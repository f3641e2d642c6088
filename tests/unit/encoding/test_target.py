"""The target as numbers: classes by their place, values as they are, anything else refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tidegate.contract import Contract, Target
from tidegate.encoding.target import encode_target
from tidegate.errors import DataError

CLASSES = Contract("m", "multiclass", (), Target("species", ("b", "a", "c")))
NUMBER = Contract("m", "regression", (), Target("price", minimum=0.0, maximum=10.0))


def test_classes_become_their_index_in_the_contract() -> None:
    found = encode_target(CLASSES, np.array(["a", "b", "c", "b"]))

    assert found.dtype == np.int64
    assert found.tolist() == [1, 0, 2, 0]


def test_numbers_stay_as_they_are() -> None:
    assert encode_target(NUMBER, np.array([0, 10])).tolist() == [0.0, 10.0]


@pytest.mark.parametrize(
    ("contract", "values", "expected"),
    [
        (CLASSES, np.array(["a", "x", ""]), "'species'.*2 of 3 rows are not, the first is row 1"),
        (CLASSES, np.array([0, 1]), "class names as text are expected, not int64"),
        (CLASSES, np.array([], dtype="<U1"), "one value per row"),
        (NUMBER, np.array([1.0, np.nan]), "'price': a finite number.*row 1"),
        (NUMBER, np.array([1.0, 10.5]), "a number from 0 to 10.*row 1"),
        (NUMBER, np.array(["1"]), "numbers are expected"),
        (NUMBER, np.array([[1.0]]), "one value per row"),
    ],
)
def test_a_target_against_the_contract_is_refused(
    contract: Contract, values: np.ndarray[Any, Any], expected: str
) -> None:
    with pytest.raises(DataError, match=expected):
        encode_target(contract, values)
