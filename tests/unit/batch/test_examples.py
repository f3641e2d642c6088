"""The examples in the batch room's docstrings say what really comes out."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["addresses", "csv_rows", "outputs", "parquet", "scorer"])
def test_examples_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"tidegate.batch.{name}"))

    assert found.attempted
    assert not found.failed
