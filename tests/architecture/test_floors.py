"""The floors of the house: import-linter holds them, and every contract can break."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

# One offence for each contract of pyproject.toml, by its id.
OFFENCES = {
    "floors": ("layers/core/python/tidegate/release/offence.py", "import tidegate.monitoring"),
    "ground-floor": ("layers/core/python/tidegate/clock.py", "import numpy"),
    "no-sdk-in-the-core": ("layers/core/python/tidegate/registry/offence.py", "import boto3"),
    "frames-only-where-models-are-trained": (
        "layers/core/python/tidegate/serving/offence.py",
        "import pandas",
    ),
    "scipy-in-one-file": ("layers/core/python/tidegate/stats/offence.py", "import scipy"),
    "nothing-deployed-imports-the-cli": (
        "layers/core/python/tidegate/governance/offence.py",
        "import tidegate_cli",
    ),
    "handlers-hold-no-sdk": ("functions/monitor/offence.py", "import boto3"),
    "stacks-stay-on-the-ground": ("stacks/offence.py", "import tidegate.windows"),
}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the sources below `root`."""
    roots = [root, root / "layers/core/python", root / "cli"]
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots)), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_downwards_only() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_contract_has_an_offence_that_would_break_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(OFFENCES) == {c["id"] for c in project["tool"]["importlinter"]["contracts"]}


@pytest.fixture(scope="module")
def broken_house(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what import-linter says of a copy of the house with every offence in it."""
    house = tmp_path_factory.mktemp("house")
    without = shutil.ignore_patterns("__pycache__", "*.pyc")
    for part in ("layers/core/python", "cli", "stacks", "functions"):
        shutil.copytree(ROOT / part, house / part, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", house)
    for path, line in OFFENCES.values():
        with (house / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    return lint(house).stdout


@pytest.mark.parametrize("contract", OFFENCES)
def test_contract_goes_red(contract: str, broken_house: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    name = next(c["name"] for c in contracts if c["id"] == contract)
    assert f"{name} BROKEN" in " ".join(broken_house.split())
