"""A private local cloud for the end-to-end tests: a copy of the checkout, really deployed.

The copy keeps a developer's own local cloud out of it and lets tests add folders of their own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.support import MINUTES, Checkout, Second, Told, copy_of_the_project
from tidegate.client import Api
from tidegate_cli.cloud import Cloud, connect


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
def http(cloud: Cloud) -> Iterator[Api]:
    with cloud.http() as client:
        yield client


def wait_for_release(cloud: Cloud, model: str) -> None:
    limit = time.monotonic() + MINUTES
    while cloud.registry.champion(model) is None:
        assert time.monotonic() < limit, cloud.registry.releases(model)
        time.sleep(0.5)


@pytest.fixture(scope="session")
def second(checkout: Checkout, cloud: Cloud, http: Api) -> Second:
    before = http.predict("penguins", records=[{}])
    checkout.tidegate("data", "push", "penguins")
    checkout.tidegate("train", "penguins", minutes=6)
    wait_for_release(cloud, "penguins")
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
