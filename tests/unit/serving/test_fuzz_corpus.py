"""Every input that was ever worth keeping is answered as promised; `make fuzz` looks for more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.target import check, corpus, served

CORPUS = corpus()


@pytest.fixture(scope="module", autouse=True)
def model() -> Iterator[None]:
    with served():
        yield


@pytest.mark.parametrize("name", CORPUS)
def test_an_input_is_answered_as_promised(name: str) -> None:
    check(CORPUS[name])
