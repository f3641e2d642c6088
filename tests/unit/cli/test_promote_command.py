"""`tidegate promote`: two environments, one version, and what a person is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.fakes.cloud import FakeCloud
from tests.fakes.sides import MODEL, House
from tests.fakes.signer import FakeSigner
from tidegate.settings import Settings
from tidegate_cli import cloud as clouds
from tidegate_cli.commands import promote
from tidegate_cli.faults import CloudUnreachableError
from tidegate_cli.main import app


@dataclass
class SigningCloud(FakeCloud):
    signer: FakeSigner = field(default_factory=FakeSigner)


class World:
    """Environments by name, and with which profile each was asked for."""

    def __init__(self, root: Path) -> None:
        self.houses = {"staging": House("staging", "1" * 12), "prod": House("prod", "2" * 12)}
        self.root = root
        self.profiles: dict[str, str] = {}

    def connect(self, _: Path, env: str, *, profile: str = "") -> SigningCloud:
        self.profiles[env] = profile
        house = self.houses[env]
        return SigningCloud(
            self.root,
            registry=house.registry,
            artifacts=house.artifacts,
            signer=house.signer,
            settings=Settings(env, house.account, "eu-west-1"),
            env=env,
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    made.houses["staging"].train()
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(promote, "connect", made.connect)
    monkeypatch.setenv("TIDEGATE_ACTOR", "bob")
    monkeypatch.setenv("TIDEGATE_ROOT", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return made


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["promote", f"{MODEL}@1", *words])


SIDES = ("--from", "staging", "--to", "prod")


def test_the_version_of_the_target_is_the_answer(world: World) -> None:
    result = call(*SIDES, "-m", "two quiet weeks", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["version"]["number"], found["version"]["status"]) == (1, "approved")
    assert found["version"]["origin"]["env"] == "staging"
    assert found["is_new"] is True
    told = world.houses["prod"].registry.newest_events(MODEL, 1)[0]
    assert (told.actor, told.reason) == ("bob", "two quiet weeks")


def test_a_person_reads_what_to_know_and_what_comes_next(world: World) -> None:
    world.houses["prod"].train(1)
    shown = call(*SIDES).stdout
    assert "ferry-delay@1 of staging is ferry-delay@2 of prod, approved" in shown
    assert "prod has the same package already: ferry-delay@1" in shown
    assert (
        f"its 2 data files are rows; their objects stay in s3://tidegate-staging-{'1' * 12}/"
        in shown
    )
    assert "next: tidegate release ferry-delay@2 --env prod" in shown
    assert "had no code" not in shown
    assert "was promoted before: it is ferry-delay@2" in call(*SIDES).stdout


def test_a_target_that_had_no_code_is_told_of(world: World) -> None:
    assert "prod had no code of ferry-delay; it has this version's now" in call(*SIDES).stdout


def test_failed_gates_that_were_overridden_there_are_to_be_approved_here(world: World) -> None:
    staging = world.houses["staging"]
    staging.train(2, passed=False)
    staging.registry.approve(MODEL, number=2, at=_now(), actor="ann", override="known hole")
    shown = CliRunner().invoke(app, ["promote", f"{MODEL}@2", *SIDES]).stdout
    assert "tidegate approve ferry-delay@1 --override REASON --env prod" in shown


def _now() -> Any:
    from tests.fakes.made import later

    return later(50)


def test_each_side_has_a_profile_of_its_own(world: World) -> None:
    call(*SIDES, "--from-profile", "stage", "--to-profile", "live")
    assert world.profiles == {"staging": "stage", "prod": "live"}


def test_a_refusal_is_one_line_and_a_code(world: World) -> None:
    world.houses["staging"].signer.usable = False
    result = call(*SIDES)
    assert result.exit_code == 3
    assert "disabled" in result.stderr
    assert world.houses["prod"].registry.models() == ()


@pytest.mark.parametrize("words", [("--from", "staging"), ("--to", "prod")])
def test_both_sides_must_be_named(world: World, words: tuple[str, ...]) -> None:
    assert call(*words).exit_code == 2
    assert world.profiles == {}


def test_one_environment_is_not_both(world: World) -> None:
    result = call("--from", "staging", "--to", "staging")
    assert result.exit_code == 3
    assert "can't be origin and target" in result.stderr


def test_a_profile_that_does_not_exist_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = {"context": {"environments": {"prod": {"region": "eu-west-1"}}}}
    (tmp_path / "cdk.json").write_text(json.dumps(declared))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(CloudUnreachableError, match="live"):
        clouds.connect(tmp_path, "prod", profile="live")
