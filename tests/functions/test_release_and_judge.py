"""Handlers of release and judge: the machine's JSON in and out, metrics, correlation."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from functions.judge import handler as judge
from functions.release import handler as release
from tests.fakes.ledger import MemoryLedger
from tests.fakes.scene import Scene, three_versions
from tests.fakes.signer import FakeSigner
from tidegate import wiring
from tidegate.errors import RequestError, SignatureError
from tidegate.settings import Settings

CONTEXT: Any = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:f",
    aws_request_id="r",
)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = three_versions()
    monkeypatch.setattr(wiring, "settings", lambda: Settings("dev", "123456789012", "eu-west-1"))
    monkeypatch.setattr(wiring, "registry", lambda: made.registry)
    monkeypatch.setattr(wiring, "catalog", lambda: made.shelf)
    monkeypatch.setattr(wiring, "traffic", lambda _: made.traffic)
    monkeypatch.setattr(wiring, "signer", lambda: made.signer)
    monkeypatch.setattr(wiring, "ledger", MemoryLedger)
    return made


def walk(state: dict[str, Any], *steps: str) -> dict[str, Any]:
    for step in steps:
        state = json.loads(json.dumps(release.handle({**state, "step": step}, CONTEXT)))
    return state


def wish(version: int, name: str) -> dict[str, Any]:
    return {
        "model": "iris",
        "version": version,
        "release": name,
        "actor": "ann",
        "reason": "new data",
    }


def metrics(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def test_a_first_release_walks_through_the_machine(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    state = walk(wish(1, "r-1"), "begin", "publish", "verify")
    assert state["steps"][state["index"]] == 100
    assert walk(state, "finish")["weight"] == 100
    assert scene.champion() == (1, "2")
    (metric,) = metrics(capsys.readouterr().out)
    assert (metric["ReleasePromoted"], metric["Env"], metric["Model"]) == ([1.0], "dev", "iris")
    assert sorted(metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == ["Env", "Model"]


def test_a_canary_is_judged_and_every_log_line_names_the_release(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(wish(1, "r-1"), "begin", "publish", "verify", "finish")
    state = walk(wish(2, "r-2"), "begin", "publish", "verify", "shift")
    capsys.readouterr()
    log = io.StringIO()  # the logger keeps the stream that it found when it was imported
    usual = judge.logger.registered_handler.setStream(log)  # type: ignore[attr-defined]
    answer = judge.handle(state, CONTEXT)
    judge.logger.registered_handler.setStream(usual)  # type: ignore[attr-defined]
    assert (answer["answer"], answer["holds"]) == ("hold", 1)
    (metric,) = metrics(capsys.readouterr().out)
    assert metric["CanaryHeld"] == [1.0]
    logged = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["message"], line["correlation_id"]) for line in logged] == [("judged", "r-2")]


def test_a_failure_is_rolled_back_with_its_reason(scene: Scene) -> None:
    walk(wish(1, "r-1"), "begin", "publish", "verify", "finish")
    state = walk(wish(2, "r-2"), "begin", "publish")
    walk({**state, "reason": "Boom: no luck", "answer": ""}, "rollback")
    assert scene.champion() == (1, "2")
    assert scene.registry.release("iris", "r-2").outcome == "Boom: no luck"


def test_a_refused_package_is_counted_and_recorded_and_the_champion_serves_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    walk(wish(1, "r-1"), "begin", "publish", "verify", "finish")
    state = walk(wish(2, "r-2"), "begin")
    monkeypatch.setattr(wiring, "signer", FakeSigner)  # which did not sign version 2
    capsys.readouterr()
    with pytest.raises(SignatureError) as caught:
        walk(state, "publish")
    (metric,) = metrics(capsys.readouterr().out)
    assert (metric["PackageRefused"], metric["Env"], metric["Model"]) == ([1.0], "dev", "iris")
    assert sorted(metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == ["Env", "Model"]

    walk({**state, "reason": f"SignatureError: {caught.value}", "answer": ""}, "rollback")
    ended = scene.registry.release("iris", "r-2")
    assert (ended.state, ended.function_version) == ("failed", "")
    assert ended.outcome.startswith("SignatureError: version 2 of 'iris': key test-key did not")
    assert scene.champion() == (1, "2")


def test_an_unknown_step_is_named(scene: Scene) -> None:
    with pytest.raises(RequestError, match="step 'jump' is none of begin"):
        release.handle({**wish(1, "r-1"), "step": "jump"}, CONTEXT)
