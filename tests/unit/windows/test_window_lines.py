"""A window's line: all of it comes back, little of it is written, and nothing odd is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.windows import REFERENCE, label, window, windows
from tidegate.errors import CorruptRecordError
from tidegate.windows.codec import (
    MAX_LINE,
    decode_line,
    encode_lines,
    from_dict,
    to_dict,
)
from tidegate.windows.label_codec import entry_to_json, head_to_json, label_from_json
from tidegate.windows.loss import lost_requests
from tidegate.windows.merge import merge
from tidegate.windows.values import Bins, ColumnReference, Counts, Reference


@given(windows())
def test_a_window_comes_back_as_it_was_written(found: object) -> None:
    (line,) = encode_lines(found)  # type: ignore[arg-type]
    assert "\n" not in line
    assert decode_line(line) == found


def test_a_line_may_be_read_under_the_id_of_its_log_event() -> None:
    (line,) = encode_lines(window("mine"))
    assert decode_line(line, id="3812") == replace(window("mine"), id="3812")


def test_a_line_says_what_it_is_so_that_a_subscription_can_filter_on_it() -> None:
    assert json.loads(encode_lines(window())[0])["kind"] == "window"


def test_a_line_of_a_version_published_earlier_is_still_read() -> None:
    raw = json.loads(encode_lines(window())[0])
    del raw["container"], raw["earlier"]
    assert from_dict(raw) == window()


def wide(columns: int, cells: int) -> tuple[Any, Reference]:
    counts = Counts(tuple(range(10**6, 10**6 + cells)), 7)
    named = {f"column_{i}": counts for i in range(columns)}
    bins = Bins(edges=tuple(map(float, range(cells - 1))))
    reference = replace(REFERENCE, columns={n: ColumnReference(bins, counts) for n in named})
    return replace(window(), columns=named, container="c", earlier=9), reference


@pytest.mark.parametrize(("columns", "cells"), [(30, 65), (1000, 65), (1, 15_000)])
def test_a_long_window_becomes_lines_that_add_up_to_it(columns: int, cells: int) -> None:
    found, reference = wide(columns, cells)
    lines = encode_lines(found)

    assert all(len(line.encode()) <= MAX_LINE for line in lines)
    assert (len(lines) > 1) == (columns * cells > 20_000)
    parts = [decode_line(line) for line in lines]
    assert len({part.id for part in parts}) == len(parts)
    assert merge(parts, reference) == merge([found], reference)
    assert lost_requests(parts) == 0
    before = replace(found, earlier=4, requests=5)
    assert lost_requests([before, *parts[1:]]) == (found.requests if parts[1:] else 0)


@pytest.mark.parametrize("columns", [0, 1, 20])
def test_labels_too_many_for_a_line_are_split_as_well(columns: int) -> None:
    found, reference = wide(columns, 65)
    found = replace(found, labels={f"class {i:011}": 10**6 + i for i in range(10_000)})
    parts = [decode_line(line) for line in encode_lines(found)]

    assert all(len(line.encode()) <= MAX_LINE for line in encode_lines(found))
    assert merge(parts, reference) == merge([found], reference)
    assert lost_requests(parts) == 0


def test_a_column_longer_than_a_line_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"column_.* can't be written"):
        encode_lines(wide(2, 40)[0], limit=700)


def changed(path: str, value: object) -> dict[str, Any]:
    raw = json.loads(json.dumps(to_dict(window())))
    *parents, last = path.split(".")
    at = raw
    for name in parents:
        at = at[name]
    at[last] = value
    return raw  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kind", "windows"),
        ("id", ""),
        ("id", "a#b"),
        ("model", "../x"),
        ("model", 3),
        ("version", 0),
        ("version", True),
        ("version", 1.0),
        ("release", "r#1"),
        ("release", "x" * 300),
        ("start", "2026-11-22"),
        ("start", "2027-11-22T10:00:00.000Z"),
        ("end", None),
        ("requests", -1),
        ("rows", 2**60),
        ("errors", "1"),
        ("latency_ms", [1, 2]),
        ("latency_ms", {}),
        ("score", []),
        ("score", [2, 0, 0]),
        ("score", [2, 0, 2, 1]),
        ("score", [2, 0, 1, 1, 0, 1]),
        ("score", [2, 0, 1, 1, 1, 1]),
        ("score", [10**9, 0]),
        ("score", [2, -1]),
        ("labels", {"late": -1}),
        ("labels", []),
        ("columns", {"wind": "3"}),
        ("columns", {"wind": [3, 0, 0, 1.5]}),
        ("clusters", [1, 2, 3]),
        ("clusters", [1, 2, 3, float("inf")]),
        ("clusters", [1, 2, 3, True]),
        ("surprise", 1),
    ],
)
def test_a_field_that_is_odd_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(CorruptRecordError, match=r"end|" + path):
        from_dict(changed(path, value))


@pytest.mark.parametrize("name", sorted(to_dict(window()).keys() - {"container", "earlier"}))
def test_a_field_that_is_missing_is_refused_by_name(name: str) -> None:
    raw = to_dict(window())
    del raw[name]
    with pytest.raises(CorruptRecordError, match=f"{name}: is missing"):
        from_dict(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(to_dict(window()))), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused(name: str, value: object) -> None:
    raw = to_dict(window()) | {name: value}
    try:
        found = from_dict(raw)
    except CorruptRecordError:
        return
    assert from_dict(to_dict(found)) == found


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"kind": "window"}', "NaN"]
)
def test_a_line_that_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(CorruptRecordError):
        decode_line(text)
    with pytest.raises(CorruptRecordError):
        label_from_json(text, row=0, entry=text)


def test_a_label_comes_back_as_it_was_written() -> None:
    for found in (label(), replace(label(), score=(0.1, 0.9), label="ä\n" * 50, row=7)):
        head, entry = head_to_json(found), entry_to_json(found)
        assert label_from_json(head, row=found.row, entry=entry) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [("receipt", "a#b"), ("model", "A"), ("score", [None]), ("score", 1), ("label", ""), ("x", 1)],
)
def test_a_label_with_an_odd_field_is_refused(name: str, value: object) -> None:
    head, entry = json.loads(head_to_json(label())), json.loads(entry_to_json(label()))
    (head if name in head else entry)[name] = value
    with pytest.raises(CorruptRecordError, match=name):
        label_from_json(json.dumps(head), row=0, entry=json.dumps(entry))
