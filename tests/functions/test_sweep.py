"""The sweep's handler: every model, what was done as metrics, an error naming who was not swept."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functions.sweep import handler
from tests.fakes import made
from tests.fakes.executions import ABORTED, MemoryExecutions
from tests.fakes.scene import Scene, three_versions
from tests.fakes.stock import MemoryStock
from tests.fakes.traffic import FakeTraffic
from tidegate import wiring
from tidegate.clock import utc_now
from tidegate.errors import CorruptRecordError, SweepError
from tidegate.release.ports import Routing
from tidegate.settings import Settings

CONTEXT: Any = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:f",
    aws_request_id="r",
)
COUNTS = ("RunsEnded", "ReleasesEnded", "AliasesRepaired", "VersionsFailed", "OrphansRemoved")
OLD = utc_now() - timedelta(days=7)


@dataclass
class World:
    scene: Scene
    executions: MemoryExecutions
    stock: MemoryStock
    traffics: dict[str, FakeTraffic]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    scene = three_versions()
    found = World(scene, MemoryExecutions(), MemoryStock(), {"iris": scene.traffic})
    monkeypatch.setattr(wiring, "settings", lambda: Settings("dev", "123456789012", "eu-west-1"))
    monkeypatch.setattr(wiring, "registry", lambda: scene.registry)
    monkeypatch.setattr(wiring, "executions", lambda: found.executions)
    monkeypatch.setattr(wiring, "stock", lambda: found.stock)
    monkeypatch.setattr(wiring, "traffic", lambda model: found.traffics[model])
    return found


def metrics(text: str) -> dict[str, Any]:
    (line,) = (json.loads(line) for line in text.splitlines() if "_aws" in line)
    return line  # type: ignore[no-any-return]


def test_what_died_is_swept_and_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.scene.promote(1, "r-1")
    world.scene.begin(2, "r-2", at=10)
    world.scene.traffic.set(Routing("1", "2", 10))
    world.executions.releases["r-2"] = ABORTED
    world.scene.registry.start_run(replace(made.run(), started=OLD), at=OLD)
    world.stock.store(made.digest("f"), OLD)
    capsys.readouterr()

    answer = handler.handle({}, CONTEXT)

    assert answer == dict(zip(COUNTS, (1, 1, 1, 0, 1), strict=True))
    told = metrics(capsys.readouterr().out)
    assert {name: told[name] for name in COUNTS} == {n: [float(answer[n])] for n in COUNTS}
    assert (told["SweepHeartbeat"], told["Env"]) == ([1.0], "dev")
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Tidegate", [["Env"]])
    assert set(handler.handle({}, CONTEXT).values()) == {0}


def test_a_model_that_cannot_be_swept_keeps_no_other_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = world.scene.registry
    registry.ensure_model("aloe", owner="ann", at=OLD, actor="ann")
    world.traffics["aloe"] = FakeTraffic()
    registry.start_run(replace(made.run(), started=OLD), at=OLD)
    read = registry.runs

    def corrupt(model: str, limit: int = 50) -> Any:
        if model == "aloe":
            raise CorruptRecordError("a Run of 'aloe' lies where it does not belong")
        return read(model, limit)

    monkeypatch.setattr(registry, "runs", corrupt)

    with pytest.raises(SweepError, match=r"^aloe: CorruptRecordError: a Run of 'aloe' lies"):
        handler.handle({}, CONTEXT)
    told = metrics(capsys.readouterr().out)
    assert (told["RunsEnded"], told["SweepHeartbeat"]) == ([1.0], [1.0])


def test_an_empty_environment_still_beats(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(world.scene.registry, "models", lambda: ())
    assert handler.handle({}, CONTEXT) == {}
    assert metrics(capsys.readouterr().out)["SweepHeartbeat"] == [1.0]
