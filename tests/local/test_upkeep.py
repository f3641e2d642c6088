"""The sweep in the local cloud, by its schedule and under its role."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tests.fakes import made
from tests.local.support import Checkout, Second
from tidegate.clock import utc_now
from tidegate.registry.values import Event
from tidegate_cli.cloud import Cloud

MODEL, RUN = "penguins", "penguins-20130101T000000-dead"
PATIENCE = 60  # seconds; the sweep comes every 15


def within_patience(holds: Callable[[], bool]) -> bool:
    limit = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > limit:
            return False
        time.sleep(0.5)
    return True


def swept(cloud: Cloud) -> dict[str, Event]:
    return {one.kind: one for one in cloud.registry.events(MODEL) if one.actor == "sweep"}


def test_what_died_and_what_was_moved_by_hand_is_put_right(cloud: Cloud, second: Second) -> None:
    registry, traffic = cloud.registry, cloud.traffic(MODEL)
    began = utc_now() - timedelta(hours=1)
    dead = replace(made.run(RUN), model=MODEL, started=began)
    registry.start_run(dead, at=began)
    orphan = f"packages/{MODEL}/{'0' * 64}.zip"
    cloud.artifacts.put(orphan, b"no version names me")
    before = traffic.routing()
    seed = registry.releases(MODEL)[-1].previous_function_version
    traffic.route(before.function_version, revision=before.revision, canary=seed, weight=5)

    assert within_patience(lambda: not traffic.routing().canary)
    assert within_patience(lambda: registry.run(MODEL, RUN).state == "failed")
    assert within_patience(lambda: {"AliasRepaired", "RunFailed"} <= swept(cloud).keys())
    assert swept(cloud)["AliasRepaired"].evidence["canary"] == seed
    assert registry.run(MODEL, RUN).error == "its workflow does not exist"
    assert traffic.routing().function_version == before.function_version
    assert cloud.artifacts.get(orphan)  # it is young


def test_a_pause_is_what_the_governors_switch_says(checkout: Checkout, second: Second) -> None:
    checkout.tidegate("pause", "--reason", "an audit")
    try:
        found = checkout.json("status")["automation"]
        assert (found["is_on"], found["why"]) == (False, "an audit")
    finally:
        checkout.tidegate("resume")
    assert checkout.json("status")["automation"]["is_on"] is True
