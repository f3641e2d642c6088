"""Which tests share a process when pytest-xdist runs several."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# One jsii process serves all CDK tests, one set of built layers serves all layer tests.
ONE_PROCESS = ("stacks", "layers")
TESTS = Path(__file__).parent

# As in the Makefile: jsii takes the pinned Node of the virtual environment, not the machine's.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in ONE_PROCESS:
            item.add_marker(pytest.mark.xdist_group(folder))
