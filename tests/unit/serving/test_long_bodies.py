"""Long bodies have readers of their own, which read and refuse whatever they hold as short ones."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.served import CONTRACT, ROW, SERVED, as_rows
from tidegate.contract import Column, Contract, Target
from tidegate.encoding.encoder import Encoder
from tidegate.errors import RequestError
from tidegate.serving.protocols import own_json
from tidegate.serving.protocols.lengths import LONG
from tidegate.serving.protocols.own_json import JsonProtocol

ODD: list[Any] = [
    *(None, True, 0, 1, -1, 0.0, -0.0, 1.0, 3.0, "", "1", "north", "east", [], {}, {"a": 1}),
    *(1e300, -1e300, 3.5e38, 2**24 + 1, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30, 60.000001),
    *(float("nan"), float("inf"), "\ud800", "ü", 5e-324),
]
FAULTS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([*ROW, "other"]), st.sampled_from(ODD)),
    max_size=2,
)
# Changes of the text, and how often.
TEXTS = st.sampled_from(
    [
        ("", ""),
        ('"wind"', '"w\\u0069nd"'),
        ('"wind": 12.5', '"wind": 1, "wind": 12.5'),
        ('"wind": 12.5', '"other": 12.5'),
        ('"wind": 12.5, ', ""),
        ('"wind": 12.5', '"wind": 1.25e1'),
        ('"wind": 12.5', '"wind": 012.5'),
        ('"boats": 2', '"boats": 2.0'),
        ('"boats": 2', '"boats": -0'),
        (": ", " :\n\t"),
        ('{"records": ', '{"id": 1, "records": '),
        ('{"records": ', '{"records": [], "records": '),
        ("]}", "]} x"),
        ("]}", "]"),
        ('"south"', '"sou\tth"'),
    ]
)
COLUMN_TEXTS = st.sampled_from(
    [
        ("", ""),
        ('"wind"', '"w\\u0069nd"'),
        ('"wind": [', '"wind": [1], "wind": ['),
        ('"wind": [', '"wind": [[1, 2], [], '),
        ('"wind": [', '"wind": [[], '),
        ('"wind": [', '"other": ['),
        ('"wind": ', '"wind": 1, "x": '),
        ("12.5", "1.25e1"),
        ("12.5", "012.5"),
        ("12.5", "-0"),
        ("12.5", "1e400"),
        ("12.5", "18446744073709551615"),
        ("12.5", "NaN"),
        ("2,", "2.0,"),
        ("2,", "9223372036854775808,"),
        ("false", "fals"),
        (", ", " ,\n\t"),
        ('{"columns": ', '{"id": 1, "columns": '),
        ('{"columns": ', '{"columns": {}, "columns": '),
        ('{"columns": ', '\ufeff{"columns": '),
        ('{"columns": ', ' {"columns": '),
        ("}}", "}} x"),
        ("}}", "}"),
        ("]}}", "}}"),
        ('"south"', '"sou[th"'),
        ('"south"', '"sou\tth"'),
        ('"south"', '"\\ud800"'),
    ]
)
PROTOCOL = JsonProtocol(CONTRACT, Encoder(CONTRACT), SERVED)


def read(
    body: bytes, *, long: int, dense: int | None = None, protocol: JsonProtocol = PROTOCOL
) -> tuple[object, ...]:
    """Return the rows of a body, or its refusal.

    It counts as long from so many bytes on, and as dense too unless otherwise said.
    """
    with pytest.MonkeyPatch.context() as patched:
        for name in ("LEAST", "LONG"):
            patched.setattr(own_json, name, long)
        patched.setattr(protocol, "_dense", long if dense is None else dense)
        try:
            return ("read", as_rows(protocol.read(body, {}).features).tobytes())
        except RequestError as error:
            return type(error), str(error), getattr(error, "problems", ())


@given(st.integers(1, 40), FAULTS, TEXTS, st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_a_long_body_is_read_and_refused_as_a_short_one_is(
    rows: int, faults: list[tuple[int, str, Any]], text: tuple[str, str], times: int
) -> None:
    records: list[dict[str, Any]] = [dict(ROW) for _ in range(rows)]
    for row, name, value in faults:
        records[row % rows][name] = value
    body = json.dumps({"records": records}).replace(*text, times).encode()

    assert read(body, long=0) == read(body, long=10**9)


@given(st.integers(1, 40), FAULTS, COLUMN_TEXTS, st.integers(0, 3), st.integers(-1, 1))
@example(9, [], ('"wind": [', '"wind": [[1, 2], [], '), 1, 0)  # as many numbers as rows
@settings(max_examples=400, deadline=None)
def test_long_columns_are_read_and_refused_as_short_ones_are(
    rows: int, faults: list[tuple[int, str, Any]], text: tuple[str, str], times: int, more: int
) -> None:
    columns: dict[str, list[Any]] = {name: [value] * rows for name, value in ROW.items()}
    for row, name, value in faults:
        columns.setdefault(name, [1] * rows)[row % rows] = value
    columns["wind"] = [12.5] * (rows + more) if more else columns["wind"]
    told = json.dumps({"columns": columns}).replace(*text, times)
    body = told.encode("utf-8", "surrogatepass")

    short = read(body, long=10**9)
    assert read(body, long=0) == short  # into buffers
    assert read(body, long=0, dense=10**9) == short  # into types


@given(
    st.sampled_from([b'{"records": ', b'{"columns": ', b'{"columns": {"wind": [']),
    st.binary(max_size=60),
)
def test_bytes_are_refused_alike(beginning: bytes, some: bytes) -> None:
    body = beginning + some

    assert read(body, long=0) == read(body, long=10**9)


def test_a_long_body_takes_the_short_cut() -> None:
    body = json.dumps({"records": [ROW, {**ROW, "wind": None, "harbour": "east"}] * 20}).encode()

    found = PROTOCOL._many_rows(body)
    assert found is not None
    assert ("read", as_rows(found).tobytes()) == read(body, long=10**9)


@pytest.mark.parametrize("name", ["records", "columns"])
def test_long_columns_take_the_short_cut(name: str) -> None:
    contract = replace(CONTRACT, columns=(*CONTRACT.columns, Column(name, "float", nullable=True)))
    protocol = JsonProtocol(contract, Encoder(contract), SERVED)
    rows = [{**ROW, name: 1}, {**ROW, "wind": None, "harbour": "east", name: 2**24 + 1}] * 20
    body = json.dumps({"columns": {one: [row[one] for row in rows] for one in rows[0]}}).encode()

    found = protocol._many_rows(body)
    assert found is not None
    assert ("read", as_rows(found).tobytes()) == read(body, long=10**9, protocol=protocol)


@pytest.mark.parametrize("rows", [1, 7, 8])
@pytest.mark.parametrize("wind", [12.5, None])
def test_few_rows_of_a_long_body_take_the_short_cut(rows: int, wind: float | None) -> None:
    found = [{**ROW, "wind": wind}] * rows
    columns = {name: [row[name] for row in found] for name in ROW}
    for content in ({"records": found}, {"columns": columns}):
        body = json.dumps(content).encode() + b" " * LONG
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(PROTOCOL, "_dense", 10**9)
            features = PROTOCOL._many_rows(body)
        assert isinstance(features, bytes) == (rows < 8)
        assert ("read", as_rows(features).tobytes()) == read(body, long=10**9)


@pytest.mark.parametrize("rows", [50, 51])
def test_the_limit_of_rows_holds_for_long_bodies(rows: int) -> None:
    body = json.dumps({"records": [ROW] * rows}).encode()

    assert read(body, long=0) == read(body, long=10**9)
    assert (PROTOCOL._many_rows(body) is None) == (rows > CONTRACT.max_rows)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "ü", "a b", "class", "", "c0"])
def test_columns_may_have_any_name(name: str) -> None:
    columns = (Column(name, "float"), Column("boats", "integer"))
    contract = Contract("m", "binary", columns, Target("late", ("no", "yes")))
    protocol = JsonProtocol(contract, Encoder(contract), SERVED)

    for content in (
        {"records": [{name: 1.5, "boats": 2}] * 9},
        {"columns": {name: [1.5] * 9, "boats": [2] * 9}},
    ):
        body = json.dumps(content).encode()
        found = read(body, long=0, protocol=protocol)
        assert found == read(body, long=10**9, protocol=protocol)
        assert found[0] == "read"
