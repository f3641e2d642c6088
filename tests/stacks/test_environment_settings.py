"""cdk.json: four typed environments; every mistake names file, dotted key and expectation."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stacks.stage import read_stage
from tests.stacks.conftest import environments
from tidegate.errors import ProjectError
from tidegate.settings import ENVIRONMENTS


def spoiled(env: str, key: str, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(environments())
    table = found[env]
    *parents, last = key.split(".")
    for parent in parents:
        table = table[parent]
    table[last] = value
    return found


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_environment_of_the_repository_is_valid(env: str) -> None:
    assert read_stage(environments(), env).env == env


def test_only_prod_protects_its_data() -> None:
    protecting = [env for env in ENVIRONMENTS if read_stage(environments(), env).protect]

    assert protecting == ["prod"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("colour", "red",
         "environments.dev.colour: unknown; expected one of account, alert_emails"),
        ("architecture", "sparc", "environments.dev.architecture: expected 'arm64' or 'x86_64'"),
        ("architecture", 64, "environments.dev.architecture: expected a string, found 64"),
        ("python", "3.11", "environments.dev.python: expected one of 3.12"),
        ("account", "12", "environments.dev.account: expected 12 digits or empty"),
        ("region", "moon", "environments.dev.region: expected a region"),
        ("maturity", 9, "environments.dev.maturity: expected a number from 1 to 4"),
        ("maturity", "2", "environments.dev.maturity: expected a whole number, found '2'"),
        ("maturity", True, "environments.dev.maturity: expected a whole number, found True"),
        ("protect", "no", "environments.dev.protect: expected true or false, found 'no'"),
        ("retention_days", 0, "environments.dev.retention_days: expected 1 to 3650"),
        ("log_retention_days", 8, "environments.dev.log_retention_days: expected one of 1, 3"),
        ("throttle", 5, "environments.dev.throttle: expected a table, found 5"),
        ("throttle.rate", 0, "environments.dev.throttle.rate: expected 1 to 10000"),
        ("throttle.burst", 1, "environments.dev.throttle.burst: expected at least throttle.rate"),
        ("throttle.limit", 1, "environments.dev.throttle.limit: unknown; expected one of burst"),
        ("time_scale", 0.5, "environments.dev.time_scale: expected 1 outside the local cloud"),
        ("time_scale", "1", "environments.dev.time_scale: expected a number, found '1'"),
        ("training_image", "python:latest",
         "environments.dev.training_image: expected a container"),
        ("alert_emails", ["nobody"], "environments.dev.alert_emails: expected e-mail addresses"),
        ("alert_emails", [7], "environments.dev.alert_emails[0]: expected a string, found 7"),
        ("alert_emails", "a@b.c", "environments.dev.alert_emails: expected a list of strings"),
        ("owner", "", "environments.dev.owner: expected a tag value"),
        ("tags", {"tidegate:env": "x"},
         "environments.dev.tags.tidegate:env: expected a tag outside"),
        ("tags", {"team": 1}, "environments.dev.tags.team: expected a string, found 1"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(key: str, value: Any, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_stage(spoiled("dev", key, value), "dev")

    assert str(caught.value).startswith(f"cdk.json: {message}")


@pytest.mark.parametrize("key", sorted(environments()["dev"]))
def test_a_missing_key_is_named(key: str) -> None:
    found = environments()
    found["dev"] = {name: value for name, value in found["dev"].items() if name != key}

    with pytest.raises(ProjectError, match=rf"cdk.json: environments\.dev\.{key}: missing"):
        read_stage(found, "dev")


@pytest.mark.parametrize(
    ("found", "env", "message"),
    [
        (None, "dev", "cdk.json: environments: expected a table, found nothing"),
        ([], "dev", r"cdk.json: environments: expected a table, found \[\]"),
        ({}, "dev", "cdk.json: environments.dev: missing"),
        ({"qa": {}}, "dev", "cdk.json: environments.qa: unknown; expected one of local, dev"),
        ({"dev": 1}, "dev", "cdk.json: environments.dev: expected a table, found 1"),
        ({}, "qa", "-c env: 'qa' is unknown; expected one of local, dev, staging, prod"),
    ],
)
def test_wrong_environments_are_named(found: object, env: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        read_stage(found, env)


def test_the_machine_decides_for_the_local_environment_only() -> None:
    local, prod = (read_stage(environments(), env) for env in ("local", "prod"))

    assert local.on_host(architecture="arm64", python="3.11").python == "3.11"
    assert local.on_host(architecture=None, python=None) == local
    assert prod.on_host(architecture="x86_64", python="3.11") == prod


def test_a_machine_that_lambda_does_not_know_is_refused() -> None:
    local = read_stage(environments(), "local")

    with pytest.raises(ProjectError, match="architecture: expected 'arm64' or 'x86_64'"):
        local.on_host(architecture="riscv64", python=None)
