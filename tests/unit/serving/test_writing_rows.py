"""Rows as JSON text: the same bytes as an object per row would give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import CONTRACT, MULTICLASS, REGRESSION
from tidegate.contract import Contract, Target
from tidegate.serving.protocols.row_writer import RowWriter

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def written(contract: Contract, labels: tuple[str, ...], shown: list[list[float]]) -> bytes:
    scores = [score for row in shown for score in row]
    places = list(map(contract.target.classes.index, labels))
    found = RowWriter(contract).write(places, orjson.dumps(scores))
    assert RowWriter(contract).write(np.array(places, np.intp), orjson.dumps(scores)) == found
    return found


def with_classes(contract: Contract, *classes: str) -> Contract:
    return replace(contract, target=Target("y", classes))


@given(st.lists(st.tuples(st.sampled_from(["a", 'b"}]', "ü,:"]), NUMBERS), min_size=1, max_size=9))
def test_binary_rows_are_label_and_score(rows: list[tuple[str, float]]) -> None:
    contract = with_classes(CONTRACT, "a", 'b"}]', "ü,:")
    text = written(contract, tuple(label for label, _ in rows), [[score] for _, score in rows])

    assert b"[%b]" % text == orjson.dumps([{"label": name, "score": x} for name, x in rows])


@given(st.lists(st.tuples(st.integers(0, 2), NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=9))
def test_multiclass_rows_have_a_score_per_class(
    rows: list[tuple[int, float, float, float]],
) -> None:
    classes = ("tide", 'f"og', "{crew},")
    labels = tuple(classes[row[0]] for row in rows)
    text = written(with_classes(MULTICLASS, *classes), labels, [list(row[1:]) for row in rows])

    assert b"[%b]" % text == orjson.dumps(
        [
            {"label": label, "scores": dict(zip(classes, row[1:], strict=True))}
            for label, row in zip(labels, rows, strict=True)
        ]
    )


@given(st.lists(NUMBERS, min_size=1, max_size=9))
def test_regression_rows_are_values(values: list[float]) -> None:
    text = written(REGRESSION, (), [[value] for value in values])

    assert b"[%b]" % text == orjson.dumps([{"value": value} for value in values])
