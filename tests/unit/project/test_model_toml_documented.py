"""docs/model-toml.md lists every key with its default, and shows a file that is right."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from tests.fakes.model_folder import write_model_folder
from tidegate.contract import Column, Contract, Target
from tidegate.project import (
    Card,
    Gate,
    GovernorPolicy,
    Holdout,
    MonitorPolicy,
    ReleasePolicy,
    Serving,
    Training,
)
from tidegate.project_file import METRIC_NAMES, read_project

DOCUMENT = (Path(__file__).parents[3] / "docs" / "model-toml.md").read_text(encoding="utf-8")
SECTIONS = {
    "[target]": Target,
    "[columns.<name>]": Column,
    "[holdout]": Holdout,
    "[training]": Training,
    "[[gates]]": Gate,
    "[serving]": Serving,
    "[release]": ReleasePolicy,
    "[monitor]": MonitorPolicy,
    "[governor]": GovernorPolicy,
    "[card]": Card,
}


def rows_of(section: str) -> dict[str, str]:
    text = DOCUMENT.split(f"### `{section}`")[1].split("\n###")[0]
    rows: dict[str, str] = {}
    for line in re.findall(r"^\| `.*$", text, flags=re.MULTILINE):
        cells = line.split("|")
        rows.update(dict.fromkeys(re.findall(r"`(\w+)`", cells[1]), cells[3].strip().strip("`")))
    return rows


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_section_is_documented_with_its_default(section: str) -> None:
    kind, documented = SECTIONS[section], rows_of(section)

    for field in fields(kind):
        if field.name == "name":
            continue  # a column's name is the table's
        assert field.name in documented, f"{section} {field.name}"
        default = field.default if field.default is not MISSING else None
        if default in (None, (), 0.0) or (kind is Gate and field.name == "metric"):
            continue
        shown = json.loads(documented[field.name])
        assert shown == (list(default) if isinstance(default, tuple) else default), field.name


def test_the_request_limits_are_documented_with_their_defaults() -> None:
    documented = rows_of("[serving]")

    for name in ("max_rows", "max_bytes", "threshold"):
        assert json.loads(documented[name]) == getattr(Contract, name)


def test_every_metric_is_documented() -> None:
    for metrics in METRIC_NAMES.values():
        assert all(f"`{metric.name}`" in DOCUMENT for metric in metrics)


def test_the_example_is_right(tmp_path: Path) -> None:
    example = DOCUMENT.split("```toml\n")[1].split("```")[0]

    assert read_project(write_model_folder(tmp_path, toml=example)).name == "ferry-delay"
