"""Bodies read right into codes: they say what the rules say, or nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.contract import Column, Contract, Target
from tidegate.encoding.coders import LISTED
from tidegate.encoding.encoder import SMALL, Encoder
from tidegate.encoding.typed import TypedBodies
from tidegate.errors import InvalidRowsError
from tidegate.scoring.session import as_matrix

PORTS = tuple(f"port {i}" for i in range(LISTED + 1))
TARGET = Target("late", ("no", "yes"))
CONTRACT = Contract(
    "ferry",
    "binary",
    (
        Column("wind", "float", minimum=-1e30, nullable=True),
        Column("boats", "integer", nullable=True),
        Column("holiday", "boolean", nullable=True),
        Column("harbour", "category", categories=("north", "south")),
        Column("ship", "category", categories=("Elsa", "", "c0"), nullable=True),
        Column("crew", "category", categories=("unknown", "a?"), unknown="map"),
        Column("pier", "category", categories=("x", "y"), unknown="map", nullable=True),
        Column("from", "category", categories=PORTS),
        Column("to", "category", categories=PORTS, unknown="map", nullable=True),
    ),
    TARGET,
)
NAMES = CONTRACT.column_names
GOOD = (1.5, 3, True, "north", "Elsa", "a?", "x", "port 7", "port 256")
VALUES: tuple[list[Any], ...] = (
    [None, -2, 0.1, 1e30, 3.4e38, -1e31, True, "1"],
    [None, 0, -7, 2**24, 2**60, 1.0],
    [None, True, False, 0, 1],
    ["north", "south", "East", None, 0],
    [None, "Elsa", "", "c0", "c1", "\u00e9", 1.0],
    ["unknown", "a?", "unknown?", "c0", "", None, 3],
    [None, "x", "y", "x?", "y?", "z", ["x"]],
    ["port 0", "port 256", "port 257", None],
    [None, "port 0", "port 257", "", 5],
)
ROWS = st.lists(st.tuples(*map(st.sampled_from, VALUES)), min_size=1, max_size=3)


def coded(rows: list[tuple[Any, ...]], *, form: str) -> list[list[float]] | None:
    """Return what a body of these rows is read and encoded to."""
    read = getattr(TypedBodies(CONTRACT.columns), form)(body(rows, form=form))
    found = Encoder(CONTRACT).coded_rows(read[0]) if read else None
    return None if found is None else as_matrix(found, len(rows)).tolist()


def body(rows: list[tuple[Any, ...]], *, form: str) -> bytes:
    if form == "records":
        return json.dumps({form: [dict(zip(NAMES, row, strict=True)) for row in rows]}).encode()
    columns = map(list, zip(*rows, strict=True))
    return json.dumps({form: dict(zip(NAMES, columns, strict=True))}).encode()


def by_rule(rows: list[tuple[Any, ...]]) -> list[list[float]] | None:
    try:
        found = Encoder(CONTRACT).records([dict(zip(NAMES, row, strict=True)) for row in rows])
    except InvalidRowsError:
        return None
    return found.tolist()


@pytest.mark.parametrize("form", ["records", "columns"])
@given(rows=ROWS, good=st.integers(0, SMALL))
@example(rows=[(None, None, None, "south", None, "unknown?", None, "port 1", None)], good=0)
@example(rows=[(1, 2, False, "south", "", "unknown", "y?", "port 1", "port 257")], good=SMALL)
def test_what_is_read_is_what_the_rules_say(
    form: str, rows: list[tuple[Any, ...]], good: int
) -> None:
    asked = [*rows, *[GOOD] * good]
    found, wanted = coded(asked, form=form), by_rule(asked)
    if found is not None:
        assert wanted is not None
        np.testing.assert_array_equal(found, wanted)


@given(st.lists(st.sampled_from(range(9)), unique=True), st.integers(1, 2 * SMALL))
def test_nulls_and_every_kind_of_category_are_read_and_not_left(nulls: list[int], n: int) -> None:
    row = tuple(
        None if j in nulls and CONTRACT.columns[j].nullable else v for j, v in enumerate(GOOD)
    )
    found, wanted = coded([row] * n, form="records"), by_rule([row] * n)
    assert found is not None
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("name", "value"),
    [("harbour", "East"), ("harbour", None), ("from", "port 257"), ("ship", "c1"), ("crew", 1)],
)
def test_what_has_no_code_is_left_to_the_rules(name: str, value: object) -> None:
    row = tuple(value if n == name else good for n, good in zip(NAMES, GOOD, strict=True))
    assert coded([GOOD, row], form="records") is None
    assert coded([GOOD, GOOD], form="records") is not None


@pytest.mark.parametrize("value", ["a", "", "unknown?", "c0", "a??", "unknown"])
def test_texts_that_no_category_is_are_read_where_that_is_allowed(value: str) -> None:
    row = tuple(value if n in ("crew", "pier") else v for n, v in zip(NAMES, GOOD, strict=True))
    found = coded([row], form="records")
    assert found is not None
    np.testing.assert_array_equal(found, by_rule([row]))


def test_more_rows_than_are_taken_are_left_to_the_rules() -> None:
    few = Contract("ferry", "binary", CONTRACT.columns, TARGET, max_rows=2)
    row = (1.5, 3, 1, 0.0, 0.0, 1.0, 0.0, "port 7", "port 8")
    assert Encoder(few).coded_rows([row] * 2) is not None
    assert Encoder(few).coded_rows([row] * 3) is None
    assert Encoder(few).coded_rows([]) is None
