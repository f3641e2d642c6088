"""Feedback: receipts and true outcomes in, labels for the ledger out; all of a batch or nothing.

An entry is `{"receipt", "row", "label"}`; or `{"receipt", "labels": [...]}` with one label (or
null: not known yet) per row of the answer; or `{"receipt", "rows": [...], "labels": [...]}`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice

from tidegate.contract import Contract, Target
from tidegate.errors import InvalidRowsError, PayloadTooLargeError, Problem, ReceiptError
from tidegate.serving.receipts import Receipt, verify
from tidegate.serving.requests import parse_strictly
from tidegate.windows.fields import LONGEST_TEXT
from tidegate.windows.values import Label

MAX_LABELS = 1000
MAX_BYTES = 6_000_000
_FORMS = ({"receipt", "row", "label"}, {"receipt", "labels"}, {"receipt", "rows", "labels"})


@dataclass(frozen=True)
class Outcome:
    """What one entry says of one row; `entry` is its place in the batch, `at` that in its lists."""

    entry: int
    at: str
    receipt: Receipt
    row: object
    label: object


def read_feedback(
    body: bytes,
    *,
    key: str,
    model: str,
    at: datetime,
    contract_of: Callable[[int], Contract],
) -> tuple[Label, ...]:
    """Return the labels of a batch, in its order.

    `contract_of` gives the contract of a version. Raises `RequestError`, `ReceiptError` naming the
    first entry whose receipt is refused, `InvalidRowsError` naming entries whose row or label is.
    """
    entries = _entries(body)

    @cache  # a batch tends to repeat a receipt
    def receipt_of(text: str) -> Receipt:
        return verify(text, key=key, model=model, at=at)

    found = (one for i, entry in enumerate(entries) for one in _outcomes(i, entry, receipt_of))
    outcomes = list(islice(found, MAX_LABELS + 1))  # a body of 6 MB can name millions
    if len(outcomes) > MAX_LABELS:
        raise PayloadTooLargeError(f"at most {MAX_LABELS} labels are taken at once")
    texts = [_check(outcome, contract_of(outcome.receipt.version)) for outcome in outcomes]
    problems = [text for text in texts if isinstance(text, Problem)]
    problems = problems or list(_contradictions(outcomes, texts))
    if problems:
        raise InvalidRowsError(problems)
    return tuple(_label(o, str(text), at) for o, text in zip(outcomes, texts, strict=True))


def _contradictions(
    outcomes: Sequence[Outcome], texts: Sequence[str | Problem]
) -> Iterator[Problem]:
    """Yield entries that tell of a row what an earlier entry of the batch tells otherwise.

    All of a batch is received at one moment, so nothing says which of them is the last.
    """
    told: dict[tuple[str, object], tuple[str | Problem, int]] = {}
    for outcome, text in zip(outcomes, texts, strict=True):
        first, entry = told.setdefault((outcome.receipt.id, outcome.row), (text, outcome.entry))
        if first != text:
            rule = f"differs from feedback[{entry}], which is of the same row"
            yield Problem(outcome.entry, f"label{outcome.at}", rule)


def _entries(body: bytes) -> list[dict[str, object]]:
    content = parse_strictly(body)
    found = content.get("feedback") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(found, list) or not found:
        rule = 'the body must be {"feedback": [{"receipt", "row", "label"}, ...]}'
        raise InvalidRowsError([Problem(-1, "feedback", rule)])
    if len(found) > MAX_LABELS:
        raise PayloadTooLargeError(f"at most {MAX_LABELS} entries are taken, not {len(found)}")
    problems = [
        Problem(i, "feedback", "must be an object of receipt, row and label (or rows and labels)")
        for i, entry in enumerate(found)
        if not isinstance(entry, dict) or set(entry) not in _FORMS
    ]
    if problems:
        raise InvalidRowsError(problems)
    return found


def _outcomes(
    at: int, entry: dict[str, object], receipt_of: Callable[[str], Receipt]
) -> Iterator[Outcome]:
    text = entry["receipt"]
    try:
        if not isinstance(text, str):
            raise ReceiptError("this is not a receipt")
        receipt = receipt_of(text)
    except ReceiptError as error:
        raise ReceiptError(f"feedback[{at}]: {error}") from None
    if "row" in entry:
        yield Outcome(at, "", receipt, entry["row"], entry["label"])
    else:
        yield from _listed(at, entry, receipt)


def _listed(at: int, entry: dict[str, object], receipt: Receipt) -> Iterator[Outcome]:
    labels = entry["labels"]
    rows = entry.get("rows", list(range(len(receipt.scores))))
    if not isinstance(rows, list):
        raise InvalidRowsError([Problem(at, "rows", "must be a list of rows")])
    if not isinstance(labels, list) or len(labels) != len(rows):
        of = "as there are rows" if "rows" in entry else "as the answer had rows"
        rule = f"must be a list of {len(rows)} labels, {of}"
        raise InvalidRowsError([Problem(at, "labels", rule)])
    for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
        if label is not None or "rows" in entry:
            yield Outcome(at, f"s[{i}]", receipt, row, label)


def _check(outcome: Outcome, contract: Contract) -> str | Problem:
    """Return the label as text, or what is wrong with the entry."""
    row, rows = outcome.row, len(outcome.receipt.scores)
    if type(row) is not int or not 0 <= row < rows:
        return Problem(
            outcome.entry, f"row{outcome.at}", f"must be an integer from 0 to {rows - 1}"
        )
    if contract.task == "regression":
        return _value(outcome, contract)
    label = str(outcome.label) if type(outcome.label) is int else outcome.label
    if isinstance(label, bool):
        label = "true" if label else "false"
    column = f"label{outcome.at}"
    if isinstance(label, str) and label in contract.target.classes:
        if len(label) <= LONGEST_TEXT:
            return label
        # Packages of earlier days may hold such a class, and no reader of the ledger takes it.
        return Problem(outcome.entry, column, f"must be text of at most {LONGEST_TEXT} characters")
    return Problem(outcome.entry, column, f"must be one of {', '.join(contract.target.classes)}")


def _value(outcome: Outcome, contract: Contract) -> str | Problem:
    value, target = outcome.label, contract.target
    low = -math.inf if target.minimum is None else target.minimum
    high = math.inf if target.maximum is None else target.maximum
    column = f"label{outcome.at}"
    if type(value) not in (int, float) or not isinstance(value, int | float):
        return Problem(outcome.entry, column, "must be a number")
    if not (low <= value <= high and abs(value) <= 1.7e308):
        return Problem(outcome.entry, column, f"must be a finite number{_within(target)}")
    return repr(float(value) + 0.0)  # -0.0 is the label 0.0, not another one


def _within(target: Target) -> str:
    bounds = ("from", target.minimum), ("to", target.maximum)
    return "".join(f" {word} {bound}" for word, bound in bounds if bound is not None)


def _label(outcome: Outcome, text: str, at: datetime) -> Label:
    receipt = outcome.receipt
    row = outcome.row if isinstance(outcome.row, int) else 0
    return Label(
        model=receipt.model,
        version=receipt.version,
        release=receipt.release,
        receipt=receipt.id,
        row=row,
        predicted_at=receipt.at,
        received_at=at,
        score=receipt.scores[row],
        label=text,
    )
