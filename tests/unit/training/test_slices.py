"""Slices of the holdout: exact, bounded, the worst first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.training_samples import prepare
from tidegate.contract import Column, Contract, Target, Task
from tidegate.encoding.target import encode_target
from tidegate.stats.metrics import evaluate
from tidegate.training.slices import (
    MAX_COLUMNS,
    MAX_SLICES,
    MIN_SLICE,
    Answers,
    slice_answers,
)


def answers_of(task: Task, *, rows: int = 900, seed: int = 0) -> tuple[Contract, Answers]:
    made = prepare(task, rows=rows, seed=seed)
    truth = encode_target(made.contract, made.table.target)
    rng = np.random.default_rng(seed)
    if task == "regression":
        scores = (truth + rng.normal(0, 5, rows)).reshape(-1, 1)
    else:
        scores = rng.dirichlet(np.ones(made.contract.outputs), rows)
    return made.contract, Answers(made.matrix, truth, scores.astype(np.float32))


def one_column(column: Column, values: list[float], *, pii: bool = False) -> tuple[str, ...]:
    contract = Contract("m", "regression", (replace(column, pii=pii),), Target("y"))
    matrix = np.array(values, dtype=np.float32).reshape(-1, 1)
    truth = np.arange(len(values), dtype=np.float64)
    given_ = Answers(matrix, truth, truth.reshape(-1, 1).astype(np.float32) + 1)
    found = slice_answers(given_, contract, metrics=("mae",)).found
    return tuple(sorted(f"{one.value}: {one.rows}" for one in found))


@pytest.mark.parametrize(
    ("task", "metrics"),
    [
        ("binary", ("auc", "log_loss")),
        ("multiclass", ("f1_macro", "accuracy")),
        ("regression", ("rmse",)),
    ],
)
def test_a_slice_has_the_metrics_of_its_rows_alone(task: Task, metrics: tuple[str, ...]) -> None:
    contract, answers = answers_of(task)
    slices = slice_answers(answers, contract, metrics=metrics)
    [found] = [one for one in slices.found if (one.column, one.value) == ("origin", "JFK")]
    mask = answers.matrix[:, contract.column_names.index("origin")] == 1
    whole = evaluate(task, answers.truth[mask], answers.scores[mask])
    assert found.rows == mask.sum()
    assert found.metrics == {name: whole[name] for name in metrics}


@pytest.mark.parametrize(
    ("task", "metric", "sign"), [("binary", "auc", 1), ("binary", "brier", -1)]
)
def test_the_worst_slice_comes_first(task: Task, metric: str, sign: int) -> None:
    contract, answers = answers_of(task)
    found = slice_answers(answers, contract, metrics=(metric,)).found
    values = [sign * one.metrics[metric] for one in found]
    assert len(values) > 5
    assert values == sorted(values)


def test_a_slice_without_a_value_comes_last() -> None:
    column = Column("harbour", "category", categories=("a", "b"))
    contract = Contract("m", "binary", (column,), Target("y", ("no", "yes")))
    matrix = np.repeat([0.0, 1.0], 40).astype(np.float32).reshape(-1, 1)
    truth = np.concatenate([np.zeros(40), np.tile([0, 1], 20)]).astype(np.int64)
    scores = np.tile([0.6, 0.4], (80, 1)).astype(np.float32)
    found = slice_answers(Answers(matrix, truth, scores), contract, metrics=("auc",)).found
    assert [(one.value, dict(one.metrics)) for one in found] == [("b", {"auc": 0.5}), ("a", {})]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        pytest.param(
            Column("x", "float"),
            [float(i) for i in range(120)],
            ("above 39, up to 79: 40", "above 79: 40", "up to 39: 40"),
            id="a number has thirds",
        ),
        pytest.param(
            Column("x", "float", nullable=True),
            [1.0] * 60 + [2.0] * 30 + [float("nan")] * 40,
            ("(missing): 40", "above 1: 30", "up to 1: 60"),
            id="nulls are a part of their own",
        ),
        pytest.param(
            Column("x", "boolean", nullable=True),
            [1.0] * 31 + [0.0] * 32 + [float("nan")] * 33,
            ("(missing): 33", "false: 32", "true: 31"),
            id="a boolean has its values",
        ),
        pytest.param(
            Column("x", "category", categories=("a", "b"), nullable=True, unknown="map"),
            [0.0] * 31 + [1.0] * 29 + [2.0] * 32 + [3.0] * 33,
            ("(missing): 32", "(unknown): 33", "a: 31"),
            id="a category has its levels, but for small ones",
        ),
        pytest.param(
            Column("x", "integer"),
            [3.0] * 90 + [1.0] * 30,
            ("3: 90", "below 3: 30"),
            id="a number that is mostly its greatest value has two parts",
        ),
        pytest.param(Column("x", "float"), [3.0] * 90, (), id="a constant cuts nothing"),
        pytest.param(
            Column("x", "float", nullable=True), [float("nan")] * 90, (), id="nulls cut nothing"
        ),
    ],
)
def test_columns_are_cut_by_their_type(
    column: Column, values: list[float], expected: tuple[str, ...]
) -> None:
    assert one_column(column, values) == expected
    assert one_column(column, values, pii=True) == ()


def test_columns_and_their_parts_are_bounded_and_what_is_left_out_is_told() -> None:
    sizes = [10 * (20 - i) for i in range(20)]
    rows = sum(sizes)
    many = Column("many", "category", categories=tuple(f"c{i}" for i in range(20)))
    numbers = tuple(Column(f"n{i}", "float") for i in range(10))
    contract = Contract("m", "regression", (*numbers, many), Target("y"))
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(rows, 11)).astype(np.float32)
    matrix[:, 10] = np.repeat(np.arange(20), sizes)
    truth = rng.normal(size=rows)
    answers = Answers(matrix, truth, rng.normal(size=(rows, 1)).astype(np.float32))
    slices = slice_answers(answers, contract, metrics=("rmse",))
    shown = {one.column for one in slices.found}
    assert shown == {"many", *(f"n{i}" for i in range(MAX_COLUMNS - 1))}  # categories first
    assert slices.left_out == ("n7", "n8", "n9")
    parts = [one for one in slices.found if one.column == "many"]
    assert sorted(one.value for one in parts) == [f"c{i}" for i in range(MAX_SLICES)]
    assert (slices.too_small, slices.beyond) == (2, 10)


@given(st.lists(st.integers(-3, 3), min_size=MIN_SLICE, max_size=200), st.booleans())
@settings(max_examples=100, deadline=None)
def test_the_parts_of_a_number_hold_every_row_once(values: list[int], null: bool) -> None:
    column = Column("x", "integer", nullable=True)
    rows = [float(v) for v in values for _ in range(MIN_SLICE)]  # so that no part is too small
    rows += [float("nan")] * MIN_SLICE * null
    found = one_column(column, rows)
    sizes = [int(one.rpartition(": ")[2]) for one in found]
    assert sum(sizes) == (len(rows) if len(set(values)) > 1 or null else 0)


def test_equal_rows_give_equal_slices() -> None:
    contract, answers = answers_of("binary")
    first = slice_answers(answers, contract, metrics=("auc",))
    copy = Answers(answers.matrix.copy(), answers.truth.copy(), answers.scores.copy())
    assert slice_answers(copy, contract, metrics=("auc",)) == first
