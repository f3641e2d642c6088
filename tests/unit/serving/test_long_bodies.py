"""Long bodies are read into types; whatever they hold, they are read and refused as short ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.served import CONTRACT, ROW, SERVED, as_rows
from tidegate.contract import Column, Contract, Target
from tidegate.encoding.encoder import Encoder
from tidegate.errors import RequestError
from tidegate.serving.protocols import own_json
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
PROTOCOL = JsonProtocol(CONTRACT, Encoder(CONTRACT), SERVED)


def read(body: bytes, *, long: int, protocol: JsonProtocol = PROTOCOL) -> tuple[object, ...]:
    """Return the rows of a body that counts as long from so many bytes on, or its refusal."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(own_json, "LONG", long)
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


@given(st.binary(max_size=60))
def test_bytes_are_refused_alike(some: bytes) -> None:
    body = b'{"records": ' + some

    assert read(body, long=0) == read(body, long=10**9)


def test_a_long_body_takes_the_short_cut() -> None:
    body = json.dumps({"records": [ROW, {**ROW, "wind": None, "harbour": "east"}] * 20}).encode()

    found = PROTOCOL._many_rows(body)
    assert found is not None
    assert ("read", as_rows(found).tobytes()) == read(body, long=10**9)


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
    body = json.dumps({"records": [{name: 1.5, "boats": 2}] * 9}).encode()

    assert read(body, long=0, protocol=protocol) == read(body, long=10**9, protocol=protocol)
