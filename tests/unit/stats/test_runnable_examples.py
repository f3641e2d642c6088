"""The examples in docstrings of numeric code say what really comes out."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import FunctionType

import pytest

from tidegate import serving, stats, windows

MODULES = [
    module.name
    for room in (stats, windows, serving)
    for module in pkgutil.iter_modules(room.__path__, room.__name__ + ".")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith(stats.__name__)])
def test_every_public_numeric_function_has_an_example(name: str) -> None:
    module = importlib.import_module(name)
    functions = [
        value
        for key, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == name and key[0] != "_"
    ]
    assert [f.__name__ for f in functions if ">>>" not in (f.__doc__ or "")] == []
