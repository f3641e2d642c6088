"""`tidegate pause`, `tidegate resume`, and what `tidegate status` says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes.cloud import FakeCloud
from tidegate_cli import invocation
from tidegate_cli.main import app


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    made_here = FakeCloud(tmp_path)
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(invocation, "connect", lambda *_: made_here)
    monkeypatch.setenv("TIDEGATE_ACTOR", "ann")
    monkeypatch.setenv("TIDEGATE_ROOT", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("TIDEGATE_ENV", raising=False)
    return made_here


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> Any:
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def told(cloud: FakeCloud) -> list[tuple[str, str, str]]:
    events = cloud.registry.events("iris")
    return [(e.kind, e.actor, e.reason) for e in events if e.kind.startswith("Automation")]


def test_a_pause_is_written_told_and_shown(cloud: FakeCloud) -> None:
    found = answer("pause", "--reason", "audit: week 48")
    assert found["automation"] == {
        "is_on": False,
        "reason": "automation is paused by ann: audit: week 48",
        "who": "ann",
        "why": "audit: week 48",
    }
    assert cloud.automation.text == "paused: ann: audit: week 48"
    assert told(cloud) == [("AutomationPaused", "ann", "audit: week 48")]
    assert "automation is paused by ann: audit: week 48" in call("status").stdout
    assert answer("status")["automation"]["is_on"] is False


def test_resuming_lets_the_governor_act_again_and_says_what_was(cloud: FakeCloud) -> None:
    call("pause", "--reason", "audit")
    assert answer("resume")["automation"]["is_on"] is True
    assert cloud.automation.text == "on"
    assert told(cloud)[1] == (
        "AutomationResumed",
        "ann",
        "before: automation is paused by ann: audit",
    )
    assert "paused" not in call("status").stdout


def test_people_read_who_paused(cloud: FakeCloud) -> None:
    assert "paused by ann: [bold]audit" in call("pause", "-r", "[bold]audit").stdout
    assert "on: the governor may act" in call("resume").stdout


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 1001])
def test_a_pause_takes_a_plain_reason(cloud: FakeCloud, reason: str) -> None:
    result = call("pause", "--reason", reason)
    assert result.exit_code == 3
    assert "pausing takes a reason in one line" in result.stderr
    assert cloud.automation.text == "on"
    assert told(cloud) == []


def test_a_pause_without_a_reason_is_refused(cloud: FakeCloud) -> None:
    assert call("pause").exit_code == 2


def test_a_switch_that_cannot_be_read_is_shown_in_the_status(cloud: FakeCloud) -> None:
    cloud.automation.text = None
    assert "its switch can't be read" in call("status").stdout
