"""Handlers of the batch machine, one after the other, with the machine's own JSON between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from functions.batch import handler as batch
from functions.score import handler as score
from tests.fakes.batch_objects import MemoryObjects
from tests.fakes.sides import House
from tidegate import wiring
from tidegate.catalog import Catalog
from tidegate.errors import NotFoundError, RequestError, SignatureError
from tidegate.settings import Settings

SETTINGS = Settings("dev", "123456789012", "eu-west-1", batch_buckets="lake,other-lake")
OWN = SETTINGS.artifacts_bucket
CONTEXT: Any = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:f",
    aws_request_id="r",
)
ORDER = {
    "job": "ferry-delay-1",
    "model": "ferry-delay",
    "source": "s3://lake/in/",
    "out": f"s3://{OWN}/batch/out",
    "actor": "ann",
    "reason": "why",
    "version": 1,
    "keep": ["id"],
}
LINES = '{"id":1,"wind":3.0,"harbour":"south"}\n{"id":2,"wind":99,"harbour":"south"}\n'


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    made = House("dev", "123456789012")
    made.train()
    objects = MemoryObjects()
    objects.put("lake", "in/a.jsonl", LINES.encode())
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS)
    monkeypatch.setattr(wiring, "registry", lambda: made.registry)
    monkeypatch.setattr(wiring, "signer", lambda: made.signer)
    monkeypatch.setattr(wiring, "objects", lambda: objects)
    catalog = Catalog(registry=made.registry, artifacts=made.artifacts)
    monkeypatch.setattr(wiring, "catalog", lambda: catalog)
    score._scorer.cache_clear()
    return made


def told(handle: Callable[[Any, Any], Any], event: object) -> Any:
    """Call a handler through JSON, as the machine does."""
    return json.loads(json.dumps(handle(json.loads(json.dumps(event)), CONTEXT)))


def items(plan: dict[str, Any]) -> list[Any]:
    found: list[Any] = json.loads(wiring.objects().get(plan["bucket"], plan["items"]) or b"")
    return found


def test_a_job_is_planned_scored_and_finished(house: House) -> None:
    plan = told(batch.handle, {"step": "plan", "order": ORDER})
    (item,) = items(plan)
    scored = told(score.handle, item)
    ending = told(batch.handle, {"step": "finish", "order": ORDER, "plan": plan})
    lines = (wiring.objects().get(OWN, "batch/out/a.jsonl") or b"").decode().splitlines()

    assert (plan["bucket"], plan["objects"], plan["version"]) == (OWN, 1, 1)
    assert (scored["rows"], scored["bad_rows"], scored["reused"]) == (2, 1, False)
    assert (ending["status"], ending["manifest"]) == (
        "complete",
        f"s3://{OWN}/batch/out/manifest.json",
    )
    assert json.loads(lines[0]) == {"row": 0, "id": 1, "value": 16.0, "problem": None}
    assert json.loads(lines[1])["problem"].startswith("wind must be")
    assert told(score.handle, item)["reused"] is False  # the same job did it


@pytest.mark.parametrize("tells", ["what went wrong", "x" * 5000], ids=["short", "long"])
def test_an_error_that_nobody_foresaw_is_written_down_and_rises(
    house: House, monkeypatch: pytest.MonkeyPatch, tells: str
) -> None:
    def broken(model: str, digest: str) -> None:
        raise ZeroDivisionError(tells)

    monkeypatch.setattr(score, "_scorer", broken)
    plan = told(batch.handle, {"step": "plan", "order": ORDER})
    with pytest.raises(ZeroDivisionError):  # for the log, and for the machine
        told(score.handle, items(plan)[0])
    ending = told(batch.handle, {"step": "finish", "order": ORDER, "plan": plan})

    ((key, error),) = ending["failures"]
    assert (ending["status"], key) == ("failed", "in/a.jsonl")
    assert f"ZeroDivisionError: {tells}".startswith(error)
    assert 20 < len(error) <= 1000


def test_a_model_that_lies_apart_from_its_package_is_fetched(house: House) -> None:
    house.train(2, apart=True)
    plan = told(batch.handle, {"step": "plan", "order": {**ORDER, "version": 2}})

    assert told(score.handle, items(plan)[0])["rows"] == 2


def test_the_second_job_is_told_what_was_done_before(house: House) -> None:
    first, second = (
        told(batch.handle, {"step": "plan", "order": {**ORDER, "job": job}})
        for job in ("ferry-delay-1", "ferry-delay-2")
    )
    told(score.handle, items(first)[0])

    assert told(score.handle, items(second)[0])["reused"] is True


def test_a_version_that_nobody_signed_is_not_planned(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = replace(house.signer, key="another")
    monkeypatch.setattr(wiring, "signer", lambda: stranger)

    with pytest.raises(SignatureError):
        told(batch.handle, {"step": "plan", "order": ORDER})


@pytest.mark.parametrize(
    ("event", "error", "message"),
    [
        ({"step": "plan", "order": {**ORDER, "version": 0}}, NotFoundError, "has no champion"),
        ({"step": "plan", "order": {**ORDER, "source": "s3://sea/in"}}, RequestError, "'sea'"),
        ({"step": "paint", "order": ORDER}, RequestError, "none of plan, finish"),
        ({"step": "plan", "order": {"job": "x"}}, RequestError, "batch order: model: missing"),
        ({"step": "finish", "order": ORDER}, RequestError, "batch plan"),
    ],
)
def test_what_cannot_be_done_says_why(
    house: House, event: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        told(batch.handle, event)
