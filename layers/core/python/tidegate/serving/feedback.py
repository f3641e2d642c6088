"""Feedback: receipts and true outcomes in, labels for the ledger out; all of a batch or nothing.

An entry is `{"receipt", "row", "label"}`, or `{"receipt", "labels": [...]}` with one label (or
null: not known yet) per row of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from tidegate.contract import Contract
from tidegate.errors import InvalidRowsError, PayloadTooLargeError, Problem, ReceiptError
from tidegate.serving.receipts import Receipt, verify
from tidegate.serving.requests import parse_strictly
from tidegate.windows.values import Label

MAX_LABELS = 1000
MAX_BYTES = 6_000_000
_ROW, _ALL = {"receipt", "row", "label"}, {"receipt", "labels"}


@dataclass(frozen=True)
class Outcome:
    """What one entry says of one row; `entry` is its place in the batch."""

    entry: int
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

    outcomes = [one for i, entry in enumerate(entries) for one in _outcomes(i, entry, receipt_of)]
    if len(outcomes) > MAX_LABELS:
        raise PayloadTooLargeError(f"at most {MAX_LABELS} labels are taken, not {len(outcomes)}")
    texts = [_check(outcome, contract_of(outcome.receipt.version)) for outcome in outcomes]
    problems = [text for text in texts if isinstance(text, Problem)]
    if problems:
        raise InvalidRowsError(problems)
    return tuple(_label(o, str(text), at) for o, text in zip(outcomes, texts, strict=True))


def _entries(body: bytes) -> list[dict[str, object]]:
    content = parse_strictly(body)
    found = content.get("feedback") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(found, list) or not found:
        rule = 'the body must be {"feedback": [{"receipt", "row", "label"}, ...]}'
        raise InvalidRowsError([Problem(-1, "feedback", rule)])
    if len(found) > MAX_LABELS:
        raise PayloadTooLargeError(f"at most {MAX_LABELS} entries are taken, not {len(found)}")
    problems = [
        Problem(i, "feedback", "must be an object of receipt, row and label (or labels)")
        for i, entry in enumerate(found)
        if not isinstance(entry, dict) or set(entry) not in (_ROW, _ALL)
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
        yield Outcome(at, receipt, entry["row"], entry["label"])
        return
    labels = entry["labels"]
    rows = len(receipt.scores)
    if not isinstance(labels, list) or len(labels) != rows:
        rule = f"must be a list of {rows} labels, as the answer had rows"
        raise InvalidRowsError([Problem(at, "labels", rule)])
    for row, label in enumerate(labels):
        if label is not None:
            yield Outcome(at, receipt, row, label)


def _check(outcome: Outcome, contract: Contract) -> str | Problem:
    """Return the label as text, or what is wrong with the entry."""
    row, rows = outcome.row, len(outcome.receipt.scores)
    if type(row) is not int or not 0 <= row < rows:
        return Problem(outcome.entry, "row", f"must be an integer from 0 to {rows - 1}")
    if contract.task == "regression":
        return _value(outcome, contract)
    label = str(outcome.label) if type(outcome.label) is int else outcome.label
    if isinstance(label, bool):
        label = "true" if label else "false"
    if isinstance(label, str) and label in contract.target.classes:
        return label
    return Problem(outcome.entry, "label", f"must be one of {', '.join(contract.target.classes)}")


def _value(outcome: Outcome, contract: Contract) -> str | Problem:
    value, target = outcome.label, contract.target
    low = -math.inf if target.minimum is None else target.minimum
    high = math.inf if target.maximum is None else target.maximum
    if type(value) not in (int, float) or not isinstance(value, int | float):
        return Problem(outcome.entry, "label", "must be a number")
    if not (low <= value <= high and abs(value) <= 1.7e308):
        return Problem(outcome.entry, "label", f"must be a finite number from {low} to {high}")
    return repr(float(value))


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
