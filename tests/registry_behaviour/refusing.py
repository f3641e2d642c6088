"""Numbers and times that are refused by name, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from tests.fakes.made import START, digest, draft, gate
from tests.registry_behaviour.registering import book_of
from tests.registry_behaviour.table import Table
from tidegate.errors import RecordError, RequestError
from tidegate.registry.book import Registry
from tidegate.registry.store import RegistryStore

NUMBERS = {
    "nan": float("nan"), "inf": float("inf"), "-inf": float("-inf"), "1e400": float("1e400"),
    "1e300": 1e300, "1e-300": 1e-300,
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_cannot_be_stored_is_named(store: RegistryStore, number: float) -> None:
    book = book_of(store)
    for made, field in (
        (replace(draft(), metrics={"auc": 0.8, "loss": number}), r"Version\.metrics\.loss"),
        (replace(draft(), gates=(gate(), replace(gate(), value=number))), r"gates\[1\]\.value"),
        (replace(draft(), holdout_shift=number), r"Version\.holdout_shift"),
    ):
        with pytest.raises(RecordError, match=field):
            book.reserve("iris", made, at=START, actor="t", request_id="run-1")
    assert (book.meta("iris").counter, len(book.events("iris"))) == (0, 1)


def test_a_version_beyond_400_kilobytes_names_its_largest_field(table: Table) -> None:
    book = book_of(table.store)
    wide = {f"metric_{n:05d}_{'x' * 20}": 0.5 for n in range(8000)}
    with pytest.raises(RecordError, match="largest field is 'metrics'"):
        book.reserve(
            "iris", replace(draft(), metrics=wide), at=START, actor="t", request_id="run-1"
        )
    assert (book.meta("iris").counter, len(book.events("iris"))) == (0, 1)


NAIVE = datetime(2026, 11, 22, 10)  # noqa: DTZ001 - that is the point
TIMES: dict[str, Callable[[Registry], object]] = {
    "of a command": lambda book: book.push_code("iris", digest=digest("a"), at=NAIVE, actor="a"),
    "of the first command": lambda book: book.ensure_model("rose", owner="a", at=NAIVE, actor="a"),
    "of a question": lambda book: book.at("iris", NAIVE),
}


@pytest.mark.parametrize("ask", TIMES.values(), ids=TIMES)
def test_a_time_without_a_zone_is_refused(
    store: RegistryStore, ask: Callable[[Registry], object]
) -> None:
    book = book_of(store)
    with pytest.raises(RequestError, match="a time zone is expected"):
        ask(book)
    assert (store.models(), len(store.events("iris"))) == (("iris",), 1)
