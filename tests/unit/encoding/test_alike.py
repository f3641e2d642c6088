"""Records that are alike: their columns are what looking each key up gives, or nothing."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.encoding.alike import ORDERS, AlikeRecords

NAMES = ("wind", "boats", "harbour")
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)


@given(st.permutations(NAMES), st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1))
def test_columns_come_in_the_order_of_the_names(
    keys: list[str], rows: list[tuple[Any, ...]]
) -> None:
    alike = AlikeRecords(NAMES)
    records = [dict(zip(keys, row, strict=True)) for row in rows]
    expected = [[record[name] for record in records] for name in NAMES]

    for _ in range(2):  # the second time the order is remembered
        found = alike.columns(records)
        assert found is not None
        assert [list(column) for column in found] == expected


@given(st.lists(st.dictionaries(st.sampled_from([*NAMES, "other"]), VALUES, max_size=4)))
def test_records_of_any_keys_are_turned_or_left_alone(records: list[dict[str, Any]]) -> None:
    try:
        found = AlikeRecords(NAMES).columns(records)
    except IndexError:
        assert not records
        return
    alike = len({tuple(record) for record in records}) == 1 and set(records[0]) == set(NAMES)
    assert (found is not None) == alike
    if found is not None:
        assert list(zip(*found, strict=True)) == list(map(itemgetter(*NAMES), records))


@pytest.mark.parametrize(
    "records",
    [
        [list(NAMES)] * 2,
        [dict.fromkeys(NAMES), list(NAMES)],
        [dict.fromkeys(NAMES), {"wind": 1, "boats": 2}, {"harbour": 3}],
        [1, 2],
        ["wind", "boats"],
        [None],
        [[[]]],
        [{}, {}],
    ],
    ids=repr,
)
def test_what_are_no_such_records_is_left_alone(records: list[Any]) -> None:
    assert AlikeRecords(NAMES).columns(records) is None


def test_few_orders_are_remembered() -> None:
    names = tuple("abcdef")
    alike = AlikeRecords(names)
    for i in range(3 * ORDERS):
        keys = [*names[i % 6 :], *names[: i % 6]]
        keys[0], keys[1 + i % 5] = keys[1 + i % 5], keys[0]
        assert alike.columns([dict.fromkeys(keys, 1)]) == [(1,)] * 6
        assert len(alike._orders) <= ORDERS
