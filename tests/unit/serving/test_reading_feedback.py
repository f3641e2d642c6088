"""Feedback: a batch becomes labels, or is refused whole with the entry named."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import CONTRACT, KEY, MULTICLASS, NOON, REGRESSION
from tidegate.contract import Contract
from tidegate.errors import (
    InvalidRowsError,
    NotFoundError,
    PayloadTooLargeError,
    Problem,
    ReceiptError,
    RequestError,
)
from tidegate.serving.feedback import read_feedback
from tidegate.serving.receipts import MAX_AGE, Receipt, sign
from tidegate.windows.values import Label

RECEIPT = Receipt("q1", "ferry-delay", 3, "r-3", NOON, ((0.25,), (0.75,), (0.5,)))
TEXT = sign(RECEIPT, key=KEY)
LATER = NOON + timedelta(days=3)
ENTRY = {"receipt": TEXT, "row": 1, "label": "late"}


def read(
    *entries: object, contract: Contract = CONTRACT, body: bytes = b"", **changes: Any
) -> tuple[Label, ...]:
    told = body or json.dumps({"feedback": list(entries)}).encode()
    given = {"key": KEY, "model": "ferry-delay", "at": LATER, "contract_of": lambda _: contract}
    return read_feedback(told, **(given | changes))  # type: ignore[arg-type]


def test_an_entry_becomes_a_label_beside_what_was_predicted() -> None:
    assert read(ENTRY) == (Label("ferry-delay", 3, "r-3", "q1", 1, NOON, LATER, (0.75,), "late"),)


def test_labels_of_a_whole_answer_may_come_together_and_some_later() -> None:
    found = read({"receipt": TEXT, "labels": ["late", None, "on time"]})
    assert [(label.row, label.label, label.score) for label in found] == [
        (0, "late", (0.25,)),
        (2, "on time", (0.5,)),
    ]


@pytest.mark.parametrize(
    ("classes", "label", "text"),
    [
        (("0", "1"), 1, "1"),
        (("0", "1"), "0", "0"),
        (("false", "true"), True, "true"),
        (("false", "true"), False, "false"),
    ],
)
def test_numbers_and_booleans_name_classes_too(
    classes: tuple[str, ...], label: object, text: str
) -> None:
    contract = replace(CONTRACT, target=replace(CONTRACT.target, classes=classes))
    assert read({**ENTRY, "label": label}, contract=contract)[0].label == text


@pytest.mark.parametrize("label", ["LATE", "", None, 1, True, 1.0, [], {}, "x" * 10_000, "\ud800"])
@pytest.mark.parametrize("contract", [CONTRACT, MULTICLASS], ids=["binary", "multiclass"])
def test_a_label_that_is_no_class_is_refused_by_entry(label: object, contract: Contract) -> None:
    good = {**ENTRY, "label": contract.target.classes[0]}
    with pytest.raises(InvalidRowsError) as caught:
        read(good, {**ENTRY, "label": label}, contract=contract)
    assert [(p.row, p.column) for p in caught.value.problems] == [(1, "label")]


@pytest.mark.parametrize("length", [200, 201])
def test_a_class_that_the_ledger_could_not_give_back_is_no_label(length: int) -> None:
    text = "x" * length
    contract = replace(CONTRACT, target=replace(CONTRACT.target, classes=("on time", text)))
    if length == 200:
        assert read({**ENTRY, "label": text}, contract=contract)[0].label == text
        return
    with pytest.raises(InvalidRowsError, match="label: must be text of at most 200 characters"):
        read({**ENTRY, "label": text}, contract=contract)


def test_a_regression_takes_finite_numbers_within_the_targets_bounds() -> None:
    assert read({**ENTRY, "label": -60}, contract=REGRESSION)[0].label == "-60.0"
    assert read({**ENTRY, "label": 0.1}, contract=REGRESSION)[0].label == "0.1"


@pytest.mark.parametrize(
    "text", ["-60.1", "NaN", "1e999", "9" * 500, "1e308", '"5"', "true", "null"]
)
def test_a_regression_refuses_other_labels(text: str) -> None:
    contract = replace(REGRESSION, target=replace(REGRESSION.target, maximum=1e300))
    body = json.dumps({"feedback": [ENTRY]}).replace('"late"', text).encode()
    with pytest.raises(InvalidRowsError, match="label: must be a"):
        read(body=body, contract=contract)


def test_both_zeros_are_one_label() -> None:
    minus, plus = ({**ENTRY, "label": zero} for zero in (-0.0, 0.0))
    assert [label.label for label in read(minus, plus, contract=REGRESSION)] == ["0.0", "0.0"]


@pytest.mark.parametrize(
    ("low", "high", "rule"),
    [
        (None, None, "must be a finite number"),
        (-60.0, None, "must be a finite number from -60.0"),
        (None, 0.0, "must be a finite number to 0.0"),
        (-60.0, 0.0, "must be a finite number from -60.0 to 0.0"),
    ],
)
def test_only_bounds_that_there_are_are_named(
    low: float | None, high: float | None, rule: str
) -> None:
    contract = replace(REGRESSION, target=replace(REGRESSION.target, minimum=low, maximum=high))
    with pytest.raises(InvalidRowsError) as raised:
        read({**ENTRY, "label": 1.75e308}, contract=contract)
    assert raised.value.problems == (Problem(0, "label", rule),)


@pytest.mark.parametrize("row", [-1, 3, 1.0, True, "1", None, 2**70])
def test_a_row_outside_the_answer_is_refused(row: object) -> None:
    with pytest.raises(InvalidRowsError, match="column row: must be an integer from 0 to 2"):
        read({**ENTRY, "row": row})


@pytest.mark.parametrize("labels", [[], ["late"] * 2, ["late"] * 4, "late", None])
def test_labels_must_be_as_many_as_the_answer_had_rows(labels: object) -> None:
    with pytest.raises(InvalidRowsError, match="a list of 3 labels"):
        read({"receipt": TEXT, "labels": labels})


@pytest.mark.parametrize("receipt", ["", "x.y", TEXT[:-1], TEXT + "A", None, 5, ["x"], "ä.b"])
def test_a_forged_receipt_refuses_the_batch_and_names_the_entry(receipt: object) -> None:
    with pytest.raises(ReceiptError, match=r"feedback\[1\]"):
        read(ENTRY, {**ENTRY, "receipt": receipt})


def test_a_receipt_of_another_model_is_refused() -> None:
    with pytest.raises(ReceiptError, match="of another model"):
        read(ENTRY, model="iris")


def test_a_label_after_a_year_is_refused() -> None:
    with pytest.raises(ReceiptError, match="older than 365 days"):
        read(ENTRY, at=NOON + MAX_AGE + timedelta(seconds=1))


def test_a_version_that_is_gone_is_told() -> None:
    def gone(version: int) -> Contract:
        raise NotFoundError(f"version {version} does not exist")

    with pytest.raises(NotFoundError, match="version 3"):
        read(ENTRY, contract_of=gone)


def test_exactly_1000_labels_are_taken_and_one_more_is_not() -> None:
    assert len(read(*[ENTRY] * 1000)) == 1000
    with pytest.raises(PayloadTooLargeError, match="not 1001"):
        read(*[ENTRY] * 1001)
    with pytest.raises(PayloadTooLargeError, match="at most 1000 labels"):
        read(*[{"receipt": TEXT, "labels": ["late"] * 3}] * 334)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"feedback": []}',
        b'{"feedback": {}}',
        b'{"feedback": [1]}',
        b'{"feedback": [{}]}',
        b'{"feedback": [{"receipt": "x"}]}',
        b'{"feedback": [{"receipt": "x", "row": 1, "label": "late", "labels": []}]}',
        b'{"feedback": [{"receipt": "x", "row": 1, "label": "late"}], "more": 1}',
    ],
    ids=repr,
)
def test_a_body_of_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRowsError):
        read(body=body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([TEXT, "late"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["receipt", "row", "label", "labels"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=3))
def test_any_batch_is_read_or_refused_as_the_callers_fault(entries: list[object]) -> None:
    with suppress(RequestError):
        read(*entries)


def test_a_batch_that_contradicts_itself_is_refused_naming_both_entries() -> None:
    again, other = {**ENTRY, "label": "late"}, {**ENTRY, "label": "on time"}
    assert len(read(ENTRY, again)) == 2
    with pytest.raises(InvalidRowsError) as raised:
        read(ENTRY, {"receipt": TEXT, "row": 0, "label": "on time"}, again, other)
    rule = "differs from feedback[0], which is of the same row"
    assert raised.value.problems == (Problem(3, "label", rule),)


def test_some_rows_of_an_answer_may_be_named_once_with_their_receipt() -> None:
    found = read({"receipt": TEXT, "rows": [2, 0], "labels": ["late", "on time"]})
    assert [(label.row, label.label) for label in found] == [(2, "late"), (0, "on time")]


@pytest.mark.parametrize(
    ("rows", "labels", "column", "rule"),
    [
        ([0], ["late", "late"], "labels", "must be a list of 1 labels, as there are rows"),
        (0, ["late"], "rows", "must be a list of rows"),
        ([0, 3], ["late", "late"], "rows[1]", "must be an integer from 0 to 2"),
        ([0, 1], ["late", "soon"], "labels[1]", "must be one of on time, late"),
        ([0, 1], ["late", None], "labels[1]", "must be one of on time, late"),
    ],
)
def test_what_is_wrong_in_a_list_is_named_by_its_place(
    rows: object, labels: object, column: str, rule: str
) -> None:
    with pytest.raises(InvalidRowsError) as raised:
        read({"receipt": TEXT, "rows": rows, "labels": labels})
    assert raised.value.problems == (Problem(0, column, rule),)
