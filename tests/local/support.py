"""What the end-to-end tests share: a copy of the checkout, and what came of commands in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidegate.client import Answer

ROOT = Path(__file__).resolve().parents[2]
MINUTES = 60


@dataclass(frozen=True)
class Checkout:
    """A copy of the project and its command line."""

    root: Path

    def tidegate(self, *words: str, minutes: float = 5, status: int = 0) -> str:
        """Run a command in the copy; return what it printed."""
        command = [sys.executable, "-m", "tidegate_cli", *words]
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


ADELIE: dict[str, object] = {
    "island": "Torgersen",
    "bill_length_mm": 39.1,
    "bill_depth_mm": 18.7,
    "flipper_length_mm": 181.0,
    "body_mass_g": 3750.0,
    "sex": "male",
}
