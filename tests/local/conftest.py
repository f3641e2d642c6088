"""A private local cloud for the end-to-end tests: a copy of the checkout, really deployed.

The copy keeps a developer's own local cloud out of it and lets tests add folders of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tidegate_cli.client import Answer, Client
from tidegate_cli.cloud import Cloud, connect

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 60


@dataclass(frozen=True)
class Checkout:
    """A copy of the project and its command line."""

    root: Path

    def tidegate(self, *words: str, minutes: float = 5, status: int = 0) -> str:
        """Run a command in the copy; return what it printed."""
        command = [sys.executable, "-m", "tidegate_cli.main", *words]
        done = subprocess.run(
            command,
            check=False,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=minutes * MINUTES,
        )
        assert done.returncode == status, (
            f"tidegate {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def json(self, *words: str) -> Any:
        """Run a reading command and return its JSON."""
        return json.loads(self.tidegate("--json", *words))


def copy_of_the_project(target: Path) -> Checkout:
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    for name in names:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    for made in (".venv", "node_modules"):
        (target / made).symlink_to(ROOT / made)
    for cache in ("layers", "environments", "cache"):
        if (ROOT / ".tidegate" / cache).is_dir():
            (target / ".tidegate").mkdir(exist_ok=True)
            (target / ".tidegate" / cache).symlink_to(ROOT / ".tidegate" / cache)
    return Checkout(target)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    copy = copy_of_the_project(tmp_path_factory.mktemp("checkout"))
    try:
        yield copy
    finally:
        copy.tidegate("local", "down")


@pytest.fixture(scope="session")
def cloud(checkout: Checkout) -> Cloud:
    checkout.tidegate("deploy", minutes=8)
    return connect(checkout.root, env="local")


@pytest.fixture(scope="session")
def http(cloud: Cloud) -> Iterator[Client]:
    with cloud.http() as client:
        yield client


@dataclass(frozen=True)
class Told:
    """The story as it was told."""

    facts: list[dict[str, Any]]
    printed: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of registry events of one kind, in order."""
        return [fact["data"] for fact in self.facts if fact["data"].get("event") == kind]


@dataclass(frozen=True)
class Second:
    """The second example model, before its release and after."""

    before: Answer
    trained: dict[str, Any]


@pytest.fixture(scope="session")
def second(checkout: Checkout, cloud: Cloud, http: Client) -> Second:
    before = http.predict("penguins", records=[{}])
    checkout.tidegate("data", "push", "penguins")
    checkout.tidegate("train", "penguins", minutes=6)
    return Second(before, checkout.json("status", "penguins"))


@pytest.fixture(scope="session")
def told(checkout: Checkout, cloud: Cloud, second: Second) -> Told:
    printed = checkout.tidegate("demo", minutes=12)
    lines = (checkout.root / ".tidegate" / "demo.jsonl").read_text().splitlines()
    return Told([json.loads(line) for line in lines], printed)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent) + os.sep
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.local)
            item.add_marker(pytest.mark.timeout(20 * MINUTES))
