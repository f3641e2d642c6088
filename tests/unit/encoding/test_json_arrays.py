"""Arrays in buffers: what they take, what they leave, and that one parser reads one body."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from tidegate.contract import Column
from tidegate.encoding.json_arrays import KEPT, Columns, JsonArrays

CONTRACT = (
    Column("wind", "float", nullable=True),
    Column("boats", "integer"),
    Column("holiday", "boolean"),
    Column("harbour", "category", categories=("north", "south")),
)
GOOD: dict[str, list[Any]] = {
    "wind": [1.5, 2],
    "boats": [0, -7],
    "holiday": [True, False],
    "harbour": ["north", "x"],
}


def body(**changed: object) -> bytes:
    return json.dumps({"columns": {**GOOD, **changed}}).encode()


def values(found: Columns | None) -> list[list[Any]]:
    assert found is not None
    return [v if isinstance(v, list) else np.frombuffer(v).tolist() for v in found.values]


def test_numbers_come_in_buffers_and_everything_else_in_lists() -> None:
    found = JsonArrays(CONTRACT).columns(body())

    assert values(found) == [[1.5, 2.0], [0.0, -7.0], [True, False], ["north", "x"]]
    assert found is not None
    assert found.rows == 2
    assert [isinstance(v, list) for v in found.values] == [False, False, True, True]


@pytest.mark.parametrize("column", [{"wind": [None, 2]}, {"wind": ["a", 2]}, {"boats": [1, 2.0]}])
def test_what_is_no_number_comes_in_a_list(column: dict[str, Any]) -> None:
    found = JsonArrays(CONTRACT).columns(body(**column))

    assert next(iter(column.values())) in values(found)


@pytest.mark.parametrize(
    "text",
    [
        body(wind=[True, 1.5]),
        body(wind=[None, True]),  # a boolean in a list of numbers is seen as well
        body(wind=[[1.5, 2], []]),
        body(wind=[[1.5], 2]),
        body(wind=[1.5]),
        body(wind=1.5),
        body(boats=[1, 2**63]),
        body(other=[1, 2]),
        body(other=1),
        body(harbour=["[", "north"]),
        b'{"columns": {"wind": [1], "wind": [1], "boats": [1], "holiday": [true]}}',
        b"\xef\xbb\xbf" + body(),
        b"[" + body() + b"]",
        body() + b"x",
        body()[:-1],
        body().replace(b'{"columns"', b'{"id": 1, "columns"'),
        body(wind=[]).replace(b"[]", b"[" * 1500 + b"]" * 1500),
        b"",
        b"{}",
    ],
)
def test_whatever_is_otherwise_is_left_and_the_next_body_is_read(text: bytes) -> None:
    reader = JsonArrays(CONTRACT)

    assert reader.columns(text) is None
    assert reader.columns(body()) is not None


def test_of_very_long_bodies_no_memory_is_kept() -> None:
    reader = JsonArrays(CONTRACT)
    reader.columns(body() + b" " * KEPT)
    assert not reader._parsers

    for _ in range(3):
        reader.columns(body())
    assert len(reader._parsers) == 1


def test_several_threads_read_at_once() -> None:
    reader, barrier = JsonArrays(CONTRACT), Barrier(4)

    def work(number: int) -> list[list[Any]]:
        text = body(wind=[float(number)] * 500, **{n: GOOD[n] * 250 for n in list(GOOD)[1:]})
        barrier.wait()
        return [values(reader.columns(text))[0] for _ in range(50)]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that they come between each other
    try:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(work, range(4)))
    finally:
        sys.setswitchinterval(before)

    assert found == [[[float(number)] * 500] * 50 for number in range(4)]
