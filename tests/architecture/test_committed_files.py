"""What is committed: no secret, no account, no machine; locks that pin and name no host."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.sources import ROOT, tracked_files

TOP_LEVEL = {
    *("README.md", "LICENSE", "Makefile", "app.py", "cdk.json", "pyproject.toml"),
    *("requirements.in", "requirements.txt", "package.json", "package-lock.json"),
    *("cli", "docs", "functions", "layers", "models", "stacks", "tests"),
}
BINARY = (".png", ".gif", ".svg", ".onnx", ".gz", ".zip", ".woff2")
PLACEHOLDERS = {"000000000000", "111111111111", "123456789012"}
FORBIDDEN = {
    "a path of one machine": re.compile(
        r"(?<![\w.])/(?:root|work|Users|opt/wheels|opt/pypi|home/\w+)/"
    ),
    "an access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"BEGIN (?:[A-Z]+ )?PRIVATE KEY-"),
    "a token": re.compile(r"\b(?:ghp|gho|xox[abp]|pypi)[-_][0-9A-Za-z]{20,}"),
}
ACCOUNT = re.compile(r"(?<![\w.#-])\d{12}(?![\w.-])")
LOCKS = [name for name in tracked_files() if name.endswith("requirements.txt")]
PINNED_LOCKS = [name for name in LOCKS if not name.startswith("models/")]
HOST = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links|--trusted-host")


def problems(text: str) -> list[str]:
    """Return what may not be committed, found in `text`."""
    found = [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]
    accounts = set(ACCOUNT.findall(text)) - PLACEHOLDERS
    return found + [f"an account id {account}" for account in sorted(accounts)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("cd /" + "root/.venv", id="machine path"),
        pytest.param("AKIA" + "ABCDEFGHIJKLMNOP", id="access key"),
        pytest.param("arn:aws:iam::" + "9988" * 3 + ":role/x", id="account"),
        pytest.param("-----BEGIN RSA " + "PRIVATE KEY-----", id="private key"),
    ],
)
def test_what_may_not_be_committed_is_recognised(text: str) -> None:
    assert problems(text)


def test_nothing_committed_names_a_machine_an_account_or_a_secret() -> None:
    texts = {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in tracked_files()
        if not name.endswith(BINARY)
    }
    found = [f"{name}: {what}" for name, text in texts.items() for what in problems(text)]
    assert not found, "\n".join(found)


def test_top_level_holds_only_the_house() -> None:
    top = {name.split("/")[0] for name in tracked_files()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("name", PINNED_LOCKS)
def test_lock_pins_and_hashes_every_requirement(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert entries
    assert [line for line in entries if not re.match(r"[\w.-]+==[\w.!+]+ ", line)] == []
    assert len(re.findall(r"--hash=sha256:", text)) >= len(entries)


@pytest.mark.parametrize("name", [*LOCKS, "package-lock.json"])
def test_lock_names_no_host(name: str) -> None:
    assert HOST.search((ROOT / name).read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("name", [n for n in PINNED_LOCKS if n.startswith("layers/")])
def test_layer_runs_the_versions_that_the_tests_ran(name: str) -> None:
    assert pins(name) <= pins("requirements.txt")


def pins(name: str) -> set[str]:
    """Return `name==version` of every entry of a lock."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^[A-Za-z0-9][\w.-]*==[\w.!+]+", text, flags=re.MULTILINE))


def test_cdk_command_line_is_pinned_exactly() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert package["private"] is True
    assert package["dependencies"] == {
        "aws-cdk": lock["packages"]["node_modules/aws-cdk"]["version"]
    }
