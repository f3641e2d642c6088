"""Encoding: what the contract allows becomes the matrix, the rest is named by row, column, rule."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.contract import Column, Contract, Target
from tidegate.encoding import encoder as module
from tidegate.encoding.encoder import Encoder
from tidegate.errors import InvalidRowsError, PayloadTooLargeError

COLUMNS = (
    Column("wind", "float", minimum=0.0, maximum=60.5),
    Column("depth", "float", nullable=True),
    Column("passengers", "integer", minimum=0.0),
    Column("holiday", "boolean"),
    Column("harbour", "category", categories=("north", "south"), unknown="map", nullable=True),
    Column("ship", "category", categories=("Elsa", "Nora")),
)
CONTRACT = Contract("ferry", "binary", COLUMNS, Target("late", ("no", "yes")), max_rows=100)
ROW: dict[str, Any] = {
    "wind": 12.5,
    "depth": -3,
    "passengers": 180,
    "holiday": True,
    "harbour": "south",
    "ship": "Nora",
}


def problems_of(value: object, *, form: str = "records") -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidRowsError) as caught:
        getattr(Encoder(CONTRACT), form)(value)
    return [(problem.row, problem.column, problem.rule) for problem in caught.value.problems]


def as_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in ROW}


def test_a_row_becomes_numbers_in_contract_order() -> None:
    matrix = Encoder(CONTRACT).records([ROW])

    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert matrix.tolist() == [[12.5, -3.0, 180.0, 1.0, 1.0, 1.0]]


def test_null_and_unknown_have_codes_behind_the_categories() -> None:
    rows = [{**ROW, "harbour": None, "depth": None}, {**ROW, "harbour": "east"}]
    matrix = Encoder(CONTRACT).records(rows)

    assert COLUMNS[4].levels == ("north", "south", "(missing)", "(unknown)")
    assert matrix[:, 4].tolist() == [2.0, 3.0]
    assert math.isnan(matrix[0, 1])


WRONG = [
    ("wind", None, "must not be null"),
    ("wind", True, "must be a finite number between 0 and 60.5"),
    ("wind", "1", "must be a finite number between 0 and 60.5"),
    ("wind", math.nan, "must be a finite number between 0 and 60.5"),
    ("wind", math.inf, "must be a finite number between 0 and 60.5"),
    ("wind", -0.001, "must be a finite number between 0 and 60.5"),
    ("wind", 60.500001, "must be a finite number between 0 and 60.5"),
    ("wind", [1.0], "must be a finite number between 0 and 60.5"),
    ("wind", {}, "must be a finite number between 0 and 60.5"),
    ("depth", 3.5e38, "must be a finite number between -3.4028235e+38 and 3.4028235e+38"),
    ("depth", json.loads("1e999"), "must be a finite number between -3.4028235e+38"),
    ("depth", 10**4000, "must be a finite number between -3.4028235e+38"),
    ("passengers", 3.0, "must be a whole number of at least 0"),
    ("passengers", 2**24 + 1, "must be a whole number of at least 0"),
    ("passengers", False, "must be a whole number of at least 0"),
    ("passengers", -1, "must be a whole number of at least 0"),
    ("holiday", 1, "must be true or false"),
    ("holiday", None, "must not be null"),
    ("holiday", "true", "must be true or false"),
    ("harbour", 1, "must be text"),
    ("harbour", ["north"], "must be text"),
    ("ship", "elsa", "must be one of Elsa, Nora"),
    ("ship", "", "must be one of Elsa, Nora"),
    ("ship", "(missing)", "must be one of Elsa, Nora"),
    ("ship", None, "must not be null"),
    ("ship", "\ud800", "must be one of Elsa, Nora"),
]


@pytest.mark.parametrize("rows", [1, 40], ids=["few", "many"])
@pytest.mark.parametrize(("column", "value", "rule"), WRONG)
def test_a_value_against_the_contract_is_named(
    column: str, value: object, rule: str, rows: int
) -> None:
    records = [dict(ROW) for _ in range(rows)]
    records[0]["depth"] = None  # a null elsewhere must not hide a fault
    records[-1][column] = value

    for form, body in (("records", records), ("columns", as_columns(records))):
        ((row, name, found),) = problems_of(body, form=form)
        assert (row, name) == (rows - 1, column)
        assert found.startswith(rule)


def test_no_answer_repeats_a_value() -> None:
    with pytest.raises(InvalidRowsError) as caught:
        Encoder(CONTRACT).records([{**ROW, "ship": "secret", "wind": "secret"}])

    assert "secret" not in str(caught.value)
    assert not any("secret" in problem.rule for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, (-1, "records", "must be a list of objects")),
        ("x", (-1, "records", "must be a list of objects")),
        ({}, (-1, "records", "must be a list of objects")),
        ([], (-1, "records", "must hold at least one row")),
        ([ROW, 3], (1, "", "must be an object")),
        ([[1]], (0, "", "must be an object")),
        ([{**ROW, "wnd": 1}], (0, "wnd", "is no column of the contract")),
        ([{k: v for k, v in ROW.items() if k != "depth"}], (0, "depth", "is missing")),
        ([{**ROW, "\n": 1}], (0, "\\n", "is no column of the contract")),
    ],
)
def test_records_of_another_form_are_refused(body: object, expected: tuple[int, str, str]) -> None:
    assert problems_of(body)[0] == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"wind": [1.0, 2.0]}, (-1, "depth", "must have 2 values like the first, not 1")),
        ({"ship": []}, (-1, "ship", "must have 1 values like the first, not 0")),
        ({"wind": 1.0}, (-1, "wind", "must be a list of values")),
        ({"wind": "a"}, (-1, "wind", "must be a list of values")),
        ({"other": [1]}, (-1, "other", "is no column of the contract")),
        ({name: [] for name in ROW}, (-1, "columns", "must hold at least one row")),
    ],
)
def test_columns_of_another_form_are_refused(
    change: dict[str, object], expected: tuple[int, str, str]
) -> None:
    assert problems_of({**as_columns([ROW]), **change}, form="columns")[0] == expected


def test_a_missing_column_is_named_in_column_form() -> None:
    columns = as_columns([ROW])
    del columns["ship"]

    assert problems_of(columns, form="columns") == [(-1, "ship", "is missing")]


def test_a_missing_column_hides_nothing_that_is_wrong_with_others() -> None:
    lists = {name: [value] * 2 for name, value in ROW.items()}
    del lists["depth"]
    with pytest.raises(InvalidRowsError) as found:
        Encoder(CONTRACT).columns({**lists, "wind": [1.0, 99.0], "extra": [1]})
    told = [(one.row, one.column) for one in found.value.problems]
    assert told == [(-1, "depth"), (-1, "extra"), (1, "wind")]


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_the_largest_float32_is_taken_as_it_is_written_and_as_it_is_told(rows: int) -> None:
    largest = float(np.finfo(np.float32).max)
    for value in (3.4028235e38, -3.4028235e38, largest, 3.4028235677973362e38):
        matrix = Encoder(CONTRACT).records([{**ROW, "depth": value}] * rows)
        assert set(np.abs(matrix[:, 1]).tolist()) == {largest}
    with pytest.raises(InvalidRowsError):
        Encoder(CONTRACT).records([{**ROW, "depth": 3.4028235677973366e38}] * rows)


def test_a_bound_is_told_with_all_of_its_digits() -> None:
    low, high = 0.12345678901234568, 1e25
    column = Column("x", "float", minimum=low, maximum=high)
    encoder = Encoder(Contract("m", "binary", (column,), Target("t", ("no", "yes"))))
    with pytest.raises(InvalidRowsError, match=rf"between {low} and 1e\+25"):
        encoder.records([{"x": 0}])
    encoder.records([{"x": low}, {"x": high}])


def test_all_problems_are_counted_and_twenty_are_named() -> None:
    with pytest.raises(InvalidRowsError) as caught:
        Encoder(CONTRACT).records([{**ROW, "wind": "x", "ship": 1}] * 50)

    assert caught.value.total == 100
    assert len(caught.value.problems) == 20
    assert [problem.row for problem in caught.value.problems[:3]] == [0, 0, 1]


@pytest.mark.parametrize("rows", [1, 7, 60])
def test_the_number_of_problems_is_that_of_all_there_are(rows: int) -> None:
    encoder, some = (
        Encoder(CONTRACT),
        [{}, 3, ROW, {"wind": "x"}, {**ROW, "ship": 1, "a": 1, "b": 2}],
    )
    records = (some * rows)[:rows]
    with pytest.raises(InvalidRowsError) as caught:
        encoder.records(records)
    assert caught.value.total == len(list(encoder._record_problems(records)))


def test_records_of_nothing_are_refused_without_a_step_per_column() -> None:
    columns = tuple(Column(f"c{i}", "float") for i in range(1000))
    encoder = Encoder(
        Contract("m", "binary", columns, Target("t", ("no", "yes")), max_rows=100_000)
    )
    with pytest.raises(InvalidRowsError) as caught:
        encoder.records([{}] * 100_000)  # with one it would take minutes
    assert (caught.value.total, len(caught.value.problems)) == (100_000_000, 20)


def test_the_row_limit_itself_is_taken_and_one_more_is_not() -> None:
    encoder = Encoder(CONTRACT)

    assert encoder.records([ROW] * 100).shape == (100, 6)
    assert encoder.columns(as_columns([ROW] * 100)).shape == (100, 6)
    with pytest.raises(PayloadTooLargeError, match="at most 100 rows"):
        encoder.records([ROW] * 101)
    with pytest.raises(PayloadTooLargeError, match="at most 100 rows"):
        encoder.columns(as_columns([ROW] * 101))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["north", "Elsa", 0, 2**24, -(2**24), 3.4028235e38, 3.5e38, 10**400]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, JSON)), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_the_fast_path_accepts_exactly_what_the_rules_accept(rows: list[dict[str, Any]]) -> None:
    answers: list[object] = []
    usual = module.SMALL
    for small in (0, 1000):
        module.SMALL = small
        try:
            answers.append(Encoder(CONTRACT).records(rows).tobytes())
        except InvalidRowsError as error:
            answers.append((error.problems, error.total))
        finally:
            module.SMALL = usual

    assert answers[0] == answers[1]


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, JSON)), min_size=20, max_size=30))
@settings(max_examples=50, deadline=None)
def test_what_is_encoded_is_finite_or_an_allowed_null(rows: list[dict[str, Any]]) -> None:
    try:
        matrix = Encoder(CONTRACT).records(rows)
    except InvalidRowsError:
        return
    assert np.isfinite(np.delete(matrix, 1, axis=1)).all()
    assert [math.isnan(x) for x in matrix[:, 1]] == [row["depth"] is None for row in rows]


ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "wind": np.array([1.0, 2.0]),
    "depth": np.array([np.nan, 2.0]),
    "passengers": np.array([1.0, 2.0]),
    "holiday": np.array([True, False]),
    "harbour": np.array(["", "(unknown)"]),
    "ship": np.array(["Nora", "Elsa"]),
    "late": np.array(["no", "yes"]),
}


def test_arrays_are_encoded_like_the_same_rows() -> None:
    rows = [
        {"wind": 1.0, "depth": None, "passengers": 1, "holiday": True, "harbour": None,
         "ship": "Nora"},
        {"wind": 2.0, "depth": 2.0, "passengers": 2, "holiday": False, "harbour": "east",
         "ship": "Elsa"},
    ]  # fmt: skip
    encoder = Encoder(CONTRACT)

    assert encoder.arrays(ARRAYS).tobytes() == encoder.records(rows).tobytes()


@pytest.mark.parametrize(
    ("name", "values", "rule"),
    [
        ("wind", np.array([1.0, np.nan]), "must not be null"),
        ("wind", np.array([1.0, 99.0]), "must be a finite number between"),
        ("wind", np.array(["1", "2"]), "must be an array of numbers, not <U1"),
        ("depth", np.array([1.0, np.inf]), "must be a finite number between"),
        ("passengers", np.array([1.0, 2.5]), "must be a whole number"),
        ("holiday", np.array([1.0, 2.0]), "must be 0 or 1"),
        ("harbour", np.array([1.0, 2.0]), "must be an array of text"),
        ("ship", np.array(["Nora", "Ada"]), "must be one of Elsa, Nora"),
        ("ship", np.array(["Nora", ""]), "must be one of Elsa, Nora and must not be null"),
        ("ship", np.array(["Nora", None], dtype=object), "must be an array of text, not object"),
    ],
)
def test_arrays_against_the_contract_are_named(
    name: str, values: np.ndarray[Any, Any], rule: str
) -> None:
    problems = problems_of({**ARRAYS, name: values}, form="arrays")

    assert problems[-1][:2] == (1, name)
    assert problems[-1][2].startswith(rule)


def test_arrays_of_other_length_or_missing_are_named() -> None:
    short = {**ARRAYS, "ship": np.array(["Nora"])}
    del short["wind"]

    assert problems_of(short, form="arrays") == [
        (-1, "wind", "is missing"),
        (-1, "ship", "must have shape (2,), not (1,)"),
    ]


def as_tensors(**changes: object) -> dict[str, Any]:
    tensors: dict[str, Any] = {
        "wind": np.linspace(0, 60.5, 9, dtype=np.float32),
        "depth": np.array([np.nan, *range(8)]),
        "passengers": np.arange(9, dtype=np.uint8),
        "holiday": np.arange(9) % 2 == 0,
        "harbour": ["north", None, "east"] * 3,
        "ship": ["Nora"] * 9,
    }
    return {**tensors, **changes}


def test_tensors_are_encoded_like_the_same_lists() -> None:
    tensors = as_tensors()
    lists = {k: v if isinstance(v, list) else v.tolist() for k, v in tensors.items()}
    lists["depth"][0] = None
    few = {name: values[:2] for name, values in tensors.items()}
    encoder = Encoder(CONTRACT)

    assert encoder.tensors(tensors).tobytes() == encoder.columns(lists).tobytes()
    assert encoder.tensors(few).tobytes() == encoder.columns(lists)[:2].tobytes()


@pytest.mark.parametrize("rows", [9, 2])
@pytest.mark.parametrize(
    ("name", "values", "rule"),
    [
        ("wind", np.full(9, np.nan), "must be a finite number between 0 and 60.5"),
        ("wind", np.full(9, 60.500001), "must be a finite number between 0 and 60.5"),
        ("wind", np.ones(9, dtype=np.bool_), "must be a finite number between 0 and 60.5"),
        ("wind", [True] * 9, "must be a finite number between 0 and 60.5"),
        ("wind", np.array(["1"] * 9), "must be a finite number between 0 and 60.5"),
        ("depth", np.full(9, np.inf), "must be a finite number between -3.4028235e+38"),
        ("passengers", np.ones(9), "must be a whole number of at least 0"),
        ("passengers", np.full(9, 2**63, np.uint64), "must be a whole number of at least 0"),
        ("holiday", np.ones(9, dtype=np.int8), "must be true or false"),
        ("harbour", np.ones(9), "must be text"),
        ("ship", [None] * 9, "must not be null"),
    ],
)
def test_tensors_against_the_contract_are_named(
    name: str, values: Any, rule: str, rows: int
) -> None:
    tensors = {k: v[:rows] for k, v in as_tensors(**{name: values}).items()}
    row, column, found = problems_of(tensors, form="tensors")[0]

    assert (row, column) == (0, name)
    assert found.startswith(rule)


def test_tensors_of_other_names_lengths_or_number_are_refused() -> None:
    assert problems_of(as_tensors(other=[1]), form="tensors")[0][1] == "other"
    assert problems_of(as_tensors(ship=["Nora"]), form="tensors") == [
        (-1, "ship", "must have 9 values like the first, not 1")
    ]
    assert problems_of(as_tensors(ship="Nora"), form="tensors")[0][1] == "ship"
    with pytest.raises(PayloadTooLargeError, match="at most 100 rows"):
        Encoder(CONTRACT).tensors({k: np.zeros(101) for k in ROW})


@pytest.mark.parametrize(
    "wrong",
    [
        [{**ROW, "extra": 1}],
        [ROW, {**ROW, "extra": 1}],
        [{name: ROW[name] for name in list(ROW)[1:]}],
        [list(ROW.values())],
        [],
        {"wind": ROW},
        5,
    ],
    ids=["extra", "extra in the second", "missing", "no object", "none", "a dict", "a number"],
)
def test_few_records_that_are_not_plainly_right_are_left_to_others(wrong: object) -> None:
    encoder = Encoder(CONTRACT)
    assert encoder.few_records(wrong) is None
    assert encoder.few_records([ROW, ROW]) == encoder.records([ROW, ROW]).tobytes()


@pytest.mark.parametrize(
    "wrong",
    [
        {**as_columns([ROW]), "extra": [1]},
        {name: [value] for name, value in list(ROW.items())[:-1]},
        {**as_columns([ROW]), "ship": "N"},
        {**as_columns([ROW]), "ship": ["Nora", "Nora"]},
        {name: [] for name in ROW},
        [ROW],
    ],
    ids=["extra", "missing", "a text", "too long", "none", "a list"],
)
def test_few_columns_that_are_not_plainly_right_are_left_to_others(wrong: object) -> None:
    encoder, rows = Encoder(CONTRACT), [ROW, ROW]
    assert encoder.few_columns(wrong) is None
    assert encoder.few_columns(as_columns(rows)) == encoder.records(rows).tobytes()
