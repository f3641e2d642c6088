"""Fast paths: they accept no more than the rules do, and give the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidegate.contract import Column
from tidegate.encoding.coders import coder
from tidegate.encoding.fast import FastPaths
from tidegate.scoring.session import Matrix, as_matrix

COLUMNS = (
    Column("wind", "float", minimum=0.0, maximum=60.5),
    Column("depth", "float", nullable=True),
    Column("passengers", "integer", minimum=0.0),
    Column("crew", "integer", nullable=True),
    Column("holiday", "boolean"),
    Column("ebb", "boolean", nullable=True),
    Column("harbour", "category", categories=("north", "south"), unknown="map", nullable=True),
    Column("ship", "category", categories=("Elsa", "Nora")),
    Column("wide", "float", minimum=-1e300, maximum=2.0**53),
)
CODERS = [coder(column) for column in COLUMNS]
GOOD = (12.5, None, 180, 3, True, None, "south", "Nora", 0.5)

RIGHT = st.tuples(
    st.sampled_from([0, 1, 0.0, 1.0, 12.5, 60.5]),
    st.sampled_from([None, -3, 0.0, 1, 1e30]),
    st.sampled_from([0, 1, 180]),
    st.sampled_from([None, 0, -7]),
    st.booleans(),
    st.none() | st.booleans(),
    st.sampled_from([None, "north", "south", "east", ""]),
    st.sampled_from(["Elsa", "Nora"]),
    st.sampled_from([0, 1.0, -5.5]),
)
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 0.0, 1.0, 3.0, "", "1", "Elsa", "east", [], [1], {}, {"a": 1}),
    *(
        float("nan"),
        float("inf"),
        -float("inf"),
        3.4028234663852886e38,
        3.5e38,
        10**400,
        -(10**400),
    ),
    *(2**24, 2**24 + 1, 2**53, 2**53 + 1, -(2**63), int(3.4028234663852886e38) + 1, 60.500001),
]
FAULTS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(ODD)), max_size=2)


def by_rule(rows: list[tuple[Any, ...]]) -> Matrix | None:
    codes = [[code.one(x) for code, x in zip(CODERS, row, strict=True)] for row in rows]
    if any(isinstance(found, str) for row in codes for found in row):
        return None
    return np.array(codes, dtype=np.float32)


def by_paths(rows: list[tuple[Any, ...]]) -> list[Matrix | None]:
    paths = FastPaths(CODERS)
    packed = [paths.rows(rows), paths.rows(rows)]  # the second time the types are remembered
    few = [None if found is None else as_matrix(found, len(rows)) for found in packed]
    return [*few, paths.columns(list(zip(*rows, strict=True)), len(rows))]


@given(st.lists(RIGHT, min_size=1, max_size=12), FAULTS, st.integers(0, 11))
@example([GOOD], [(8, 2**53 + 1)], 0)  # rounds to the bound
@settings(max_examples=400, deadline=None)
def test_what_a_fast_path_accepts_the_rules_accept(
    rows: list[tuple[Any, ...]], faults: list[tuple[int, Any]], at: int
) -> None:
    changed = list(rows[at % len(rows)])
    for column, value in faults:
        changed[column] = value
    rows = [*rows, tuple(changed)]
    expected = by_rule(rows)
    for found in by_paths(rows):
        if found is not None:
            assert expected is not None
            assert found.tobytes() == expected.tobytes()


@given(st.lists(RIGHT, min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_usual_rows_take_the_fast_paths(rows: list[tuple[Any, ...]]) -> None:
    usual = [row if row[1] != 1e30 else (*row[:1], None, *row[2:]) for row in rows]

    assert all(found is not None for found in by_paths(usual))


@pytest.mark.parametrize("column", range(len(COLUMNS)))
@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:12])
def test_an_odd_value_in_any_column_is_left_to_the_rules(column: int, value: object) -> None:
    odd = (*GOOD[:column], value, *GOOD[column + 1 :])
    for rows in ([odd], [GOOD] * 9 + [odd]):
        expected = by_rule(rows)
        for found in by_paths(rows):
            assert found is None or (expected is not None and found.tobytes() == expected.tobytes())


def test_only_so_many_kinds_of_rows_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.encoding.fast.SHAPES", 1)
    paths = FastPaths(CODERS)
    other = (12, None, 180, None, True, None, "south", "Nora", 0.5)

    for rows in ([GOOD], [other], [other]):
        assert paths.rows(rows) is not None
