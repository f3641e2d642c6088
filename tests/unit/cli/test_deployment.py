"""Deployment: how the CDK is called, what is shown of what it says, what a failure tells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tidegate_cli import completion
from tidegate_cli.checkout import environment, environment_names, find_root
from tidegate_cli.deployment import Cdk, DeploymentError, local_context, what_happens
from tidegate_cli.faults import InputError

FAKE_CDK = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "key": os.environ.get("AWS_ACCESS_KEY_ID", "")}))
print("\\x1b[32mtidegate-dev-platform: deploying... [1/5]\\x1b[0m")
print(" ✅  tidegate-dev-platform")
sys.exit(int(os.environ.get("FAIL", "0")))
"""


class PythonCdk(Cdk):
    """The CDK played by a Python script."""

    def _program(self) -> list[str]:
        return [sys.executable, "-c", FAKE_CDK]


def said(cdk: Cdk) -> dict[str, object]:
    lines = cdk.log.read_text(encoding="utf-8").splitlines()
    return json.loads(next(line for line in lines if line.startswith("{")))  # type: ignore[no-any-return]


def test_an_environment_is_deployed_with_its_context_and_credentials(tmp_path: Path) -> None:
    told: list[str] = []
    cdk = PythonCdk(
        tmp_path, "dev", {"AWS_ACCESS_KEY_ID": "me"}, {"local_python": "3.13"}, told.append
    )
    outputs = cdk.deploy()
    found = said(cdk)
    words = found["argv"]
    assert isinstance(words, list)
    assert words[:2] == ["deploy", "tidegate-dev/*"]
    assert [words[i + 1] for i, w in enumerate(words) if w == "-c"] == [
        "env=dev",
        "local_python=3.13",
    ]
    assert words[words.index("--require-approval") + 1] == "never"
    assert found["key"] == "me"
    assert outputs.parent == tmp_path / ".tidegate" / "logs"
    assert told == ["tidegate-dev-platform: deploying", "✓ tidegate-dev-platform"]


def test_a_failure_tells_the_last_lines_and_where_the_rest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "1")
    cdk = PythonCdk(tmp_path, "dev")
    with pytest.raises(DeploymentError, match="cdk destroy of dev failed") as raised:
        cdk.destroy()
    assert "tidegate-dev-platform: deploying... [1/5]" in str(raised.value)
    assert str(cdk.log) in raised.value.hint


def test_without_the_cdk_the_way_to_get_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CDK command line is not there") as raised:
        Cdk(tmp_path, "dev").deploy()
    assert raised.value.hint == "run: make setup"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("tidegate-local/a: deploying... [1/5]", "tidegate-local/a: deploying"),
        ("tidegate-local/a (tidegate-local-a): destroying...", "tidegate-local/a: destroying"),
        (" ✅  tidegate-local/a (tidegate-local-a)", "✓ tidegate-local/a"),
        (" ✅  tidegate-local/a (no changes)", "✓ tidegate-local/a (no changes)"),
        ("tidegate-local-a: creating CloudFormation changeset...", ""),
        ("✨  Deployment time: 3.2s", ""),
        ("tidegate-local-control: start: Building abc", ""),
        ("Outputs:", ""),
    ],
)  # fmt: skip
def test_only_what_happens_to_stacks_is_shown(line: str, told: str) -> None:
    assert what_happens(line) == told


def test_local_layers_are_built_for_this_machine() -> None:
    found = local_context("3.13")
    assert found["local_python"] == "3.13"
    assert found["local_architecture"] in {"arm64", "x86_64"}


# -- the checkout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    declared = {"account": "", "region": "eu-central-1", "time_scale": 0.5}
    content = {"context": {"environments": {"dev": declared, "local": declared}}}
    (tmp_path / "cdk.json").write_text(json.dumps(content))
    (tmp_path / "models" / "a").mkdir(parents=True)
    monkeypatch.delenv("TIDEGATE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path / "models" / "a")
    return tmp_path


def test_the_checkout_is_found_from_any_folder_in_it(root: Path) -> None:
    assert find_root() == root.resolve()


def test_an_environment_is_read_from_cdk_json(root: Path) -> None:
    found = environment(root, "dev")
    assert (found.region, found.time_scale, found.account) == ("eu-central-1", 0.5, "")
    assert environment_names(root) == ("local", "dev")


@pytest.mark.parametrize("content", ["{", "{}", '{"context": {"environments": []}}'])
def test_a_broken_cdk_json_is_named(root: Path, content: str) -> None:
    (root / "cdk.json").write_text(content)
    with pytest.raises(InputError, match=r"cdk\.json"):
        environment(root, "dev")


def test_completion_offers_what_there_is_and_never_fails(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "models" / "flight_delay").mkdir()
    (root / "models" / "flight_delay" / "model.toml").write_text("")
    assert completion.models("fl") == ["flight-delay"]
    assert completion.versions("fl") == ["flight-delay@"]
    assert completion.versions("flight-delay@") == []  # no cloud is up
    assert completion.environments("d") == ["dev"]
    (root / "cdk.json").write_text("{")
    assert completion.environments("") == []
