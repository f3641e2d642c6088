"""Strict JSON: what comes in matches the dataclass, or the path of the fault is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.decoding import canonical_json, decode, parse_json


@dataclass(frozen=True)
class Leaf:
    size: int
    kind: Literal["a", "b"] = "a"
    limit: float | None = None


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    corner: tuple[float, float]
    extra: dict[str, str | int | float | bool]


TREE = Tree((Leaf(1), Leaf(2, "b", 0.5)), (1.0, 2.0), {"x": True, "y": 1, "z": 1.5, "w": "t"})


def test_a_value_survives_its_json() -> None:
    assert decode(Tree, parse_json(canonical_json(TREE))) == TREE


def test_whole_numbers_are_taken_for_floats_and_types_are_kept_in_unions() -> None:
    tree = decode(Tree, {"leaves": [], "corner": [1, 2], "extra": {"x": True, "y": 1, "z": 1.0}})

    assert [type(value) for value in tree.corner] == [float, float]
    assert [type(value) for value in tree.extra.values()] == [bool, int, float]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"leaves": {}}, "leaves: a list is expected, not an object"),
        ({"leaves": [{"size": 1}, {"size": True}]}, r"leaves\[1\].size: a whole number"),
        ({"leaves": [{"size": 1.0}]}, r"leaves\[0\].size: a whole number .* not 1.0"),
        ({"leaves": [{"size": 1, "kind": "c"}]}, r"leaves\[0\].kind: one of 'a', 'b'"),
        ({"leaves": [{"size": 1, "kind": []}]}, r"leaves\[0\].kind: one of"),
        ({"leaves": [{"size": 1, "limit": "1"}]}, r"leaves\[0\].limit: a finite number"),
        ({"leaves": [{"size": 1, "limit": 10**400}]}, r"leaves\[0\].limit: .* so large a number"),
        ({"leaves": [{}]}, r"leaves\[0\].size: missing"),
        ({"leaves": [{"size": 1, "x": 1}]}, r"leaves\[0\].x: no such field"),
        ({"corner": [1]}, "corner: a list of 2 is expected, not a list of 1"),
        ({"corner": [1, None]}, r"corner\[1\]: a finite number"),
        ({"extra": {"x": None}}, "extra.x: text or a whole number or"),
        ({"extra": {"x": []}}, "extra.x: .* not a list of 0"),
        ({"extra": []}, "extra: an object"),
    ],
)
def test_a_fault_is_named_by_its_path(change: dict[str, object], expected: str) -> None:
    good = {"leaves": [], "corner": [1.0, 2.0], "extra": {}}

    with pytest.raises(ValueError, match=expected):
        decode(Tree, {**good, **change})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'"\xff"', "can't decode"),
        (b"", "Expecting value"),
        (b"9" * 5000, "limit"),
    ],
)
def test_json_beside_the_standard_is_refused(data: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse_json(data)


def test_equal_values_have_equal_bytes() -> None:
    assert canonical_json({"b": (1, 2), "a": None}) == b'{"a":null,"b":[1,2]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": float("nan")})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_any_json_is_decoded_or_refused_by_one_error(value: object) -> None:
    with pytest.raises(ValueError, match="is expected"):
        decode(Tree, value)
