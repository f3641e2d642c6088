"""The serving function over a real package: what callers get, what is printed, what never is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.package import package, unpack
from tests.fakes.served import KEY, NOON, FakeContext, event
from tidegate.errors import ModelUnavailableError
from tidegate.serving import endpoint
from tidegate.serving.predictor import Predictor
from tidegate.serving.receipts import verify
from tidegate.serving.row_counts import RowCounts
from tidegate.serving.service import Service
from tidegate.settings import Settings
from tidegate.windows.codec import decode_line
from tidegate.windows.values import Window

ROW = {"wind": 10.0, "harbour": "south"}
BODY = json.dumps({"records": [ROW]})
SETTINGS = Settings(
    env="dev",
    account="000000000000",
    region="us-east-1",
    model="ferry-delay",
    version="3",
    release="r-3",
    receipt_key=KEY,
)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture(scope="module")
def data() -> bytes:
    return package()


def forget_services() -> None:
    endpoint._opened.clear()
    endpoint._unloaded.cache_clear()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Clock]:
    for name, value in SETTINGS.to_env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    found = Clock()
    monkeypatch.setattr(endpoint, "time", found)
    forget_services()
    yield found
    forget_services()


@pytest.fixture
def released(data: bytes, tmp_path: Path) -> Path:
    return unpack(data, tmp_path)


def call(body: str = BODY, **changes: Any) -> tuple[int, dict[str, Any]]:
    answer = endpoint.handle(event(body) | changes, FakeContext())
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["isBase64Encoded"] is False
    return answer["statusCode"], json.loads(answer["body"])


def printed(text: str) -> list[Window]:
    lines = (line for line in text.splitlines() if json.loads(line).get("kind") == "window")
    return [decode_line(line) for line in lines]


def test_a_request_is_answered_by_the_package_in_the_task_root(released: Path) -> None:
    status, answer = call()
    receipt = verify(answer.pop("receipt"), key=KEY, model="ferry-delay", at=NOON)
    assert (status, answer) == (
        200,
        {
            "model": "ferry-delay",
            "version": 3,
            "release": "r-3",
            "predictions": [{"value": 30.0}],
        },
    )
    assert receipt.id == FakeContext().aws_request_id


@pytest.mark.parametrize("name", ["accept-encoding", "content-encoding", "x"])
@pytest.mark.parametrize("value", [None, 5, ["gzip"], {"gzip": 1}])
def test_a_header_that_is_no_text_is_no_fault_of_ours(
    name: str, value: object, released: Path
) -> None:
    status, _ = call(headers={"content-type": "application/json", name: value})
    assert status == (415 if name == "content-encoding" and value is not None else 200)


def test_before_any_release_503_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = call()
    assert status == 503
    assert answer["error"] == {
        "type": "NoReleaseError",
        "message": "no version of model ferry-delay has been released yet",
        "problems": [],
    }
    assert capsys.readouterr().out == ""


def test_health_says_what_is_served_and_whether_it_is_ready(released: Path) -> None:
    answer = endpoint.handle(event(method="GET"), FakeContext())
    assert json.loads(answer["body"]) == {
        "model": "ferry-delay",
        "version": 3,
        "release": "r-3",
        "ready": True,
    }


def test_health_before_any_release_is_a_503_with_the_same_fields() -> None:
    answer = endpoint.handle(event(method="GET"), FakeContext())
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 503
    assert (body["version"], body["release"], body["ready"]) == (0, "", False)


@pytest.mark.parametrize(
    ("body", "changes", "status", "kind"),
    [
        ("{", {}, 400, "RequestError"),
        (json.dumps({"records": [{"wind": 1.0}]}), {}, 422, "InvalidRowsError"),
        (" " * 1_000_001, {}, 413, "PayloadTooLargeError"),
        (BODY, {"rawPath": "/models/iris/predict"}, 404, "NotFoundError"),
        (BODY, {"rawPath": "/models/ferry-delay/explain"}, 404, "NotFoundError"),
        (BODY, {"requestContext": {"http": {"method": "PUT"}}}, 404, "NotFoundError"),
        (BODY, {"requestContext": {}}, 400, "RequestError"),
    ],
)
def test_a_request_that_is_wrong_is_told_why(
    released: Path, body: str, changes: dict[str, Any], status: int, kind: str
) -> None:
    found, answer = call(body, **changes)
    assert (found, answer["error"]["type"]) == (status, kind)


def test_a_wrong_column_is_named(released: Path) -> None:
    status, answer = call(json.dumps({"records": [{"vvind": 1.0, "harbour": "north"}]}))
    assert status == 422
    assert {problem["column"] for problem in answer["error"]["problems"]} == {"wind", "vvind"}


@pytest.mark.parametrize("file", ["model.onnx", "contract.json", "reference.json", "card.md"])
def test_a_package_with_one_changed_byte_serves_nobody(released: Path, file: str) -> None:
    changed = bytearray((released / file).read_bytes())
    changed[len(changed) // 2] ^= 1
    (released / file).write_bytes(changed)

    status, answer = call()
    assert status == 500
    assert answer["error"]["type"] == "DigestMismatchError"
    assert answer["error"]["message"] == "the request could not be answered"


def test_a_package_of_another_model_serves_nobody(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_MODEL", "iris")
    status, answer = call(rawPath="")
    assert (status, answer["error"]["type"]) == (500, "PackageError")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIDEGATE_RECEIPT_KEY", ""),
        ("TIDEGATE_VERSION", "three"),
        ("TIDEGATE_VERSION", "0"),
        pytest.param("TIDEGATE_VERSION", "9" * 5000, id="TIDEGATE_VERSION-of 5000 digits"),
        ("TIDEGATE_MODEL", "Ferry#delay"),
        ("TIDEGATE_RELEASE", ""),
        ("TIDEGATE_RELEASE", "a#b"),
        ("TIDEGATE_FLUSH_ROWS", "0"),
        pytest.param("TIDEGATE_FLUSH_ROWS", "9" * 5000, id="TIDEGATE_FLUSH_ROWS-of 5000 digits"),
        ("TIDEGATE_FLUSH_SECONDS", "soon"),
        ("TIDEGATE_TIME_SCALE", "nan"),
        ("TIDEGATE_ENV", ""),
    ],
)
def test_an_environment_that_is_incomplete_serves_nobody_and_the_log_names_the_variable(
    released: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    status, answer = call()
    assert (status, answer["error"]["type"]) == (500, "SettingsError")
    assert name not in json.dumps(answer)
    assert name in json.loads(capsys.readouterr().out.splitlines()[0])["message"]


def test_the_first_request_prints_a_window_and_the_next_ones_wait(
    released: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    call()
    (first,) = printed(capsys.readouterr().out)
    assert (first.requests, first.rows, first.cold_starts, first.release) == (1, 1, 1, "r-3")
    assert first.columns["harbour"].cells == (0, 1)

    call()
    call("{")
    clock.now += timedelta(seconds=59)
    call()
    assert capsys.readouterr().out == ""

    clock.now += timedelta(seconds=1)
    call()
    (second,) = printed(capsys.readouterr().out)
    assert (second.requests, second.rows, second.rejected) == (4, 3, 1)
    assert (second.start, second.end) == (NOON, clock.now)


def test_time_runs_faster_where_the_environment_says_so(
    released: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TIDEGATE_TIME_SCALE", "0.1")
    call()
    call()
    capsys.readouterr()
    clock.now += timedelta(seconds=6)
    call()
    assert printed(capsys.readouterr().out)[0].requests == 2


def test_probes_and_health_are_not_counted(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(probe="golden")[0] == 200
    endpoint.handle(event(method="GET"), FakeContext())
    assert capsys.readouterr().out == ""

    call()
    (found,) = printed(capsys.readouterr().out)
    assert (found.requests, found.cold_starts) == (1, 0)


def test_a_broken_package_is_counted_so_that_it_can_be_judged(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (released / "card.md").write_text("another card")
    call()
    lines = capsys.readouterr().out.splitlines()
    found = [decode_line(line) for line in lines if '"kind":"window"' in line]
    assert [(window.requests, window.errors) for window in found] == [(1, 1)]


def test_a_start_that_fails_is_tried_once_per_request_and_counted(
    released: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = []

    def fail(*_: object, **__: object) -> Service:
        tries.append(1)
        raise ModelUnavailableError("S3 is slow")

    with monkeypatch.context() as broken:
        broken.setattr(endpoint, "open_service", fail)
        assert call()[0] == call()[0] == 502
        assert endpoint.handle(event(method="GET"), FakeContext())["statusCode"] == 502
    assert len(tries) == 3
    windows = printed(capsys.readouterr().out)
    assert [(one.requests, one.errors, one.release) for one in windows] == [(1, 1, "r-3")] * 2

    assert call()[0] == 200
    (found,) = printed(capsys.readouterr().out)
    assert (found.requests, found.errors) == (1, 0)


def test_a_failure_tells_its_class_and_place_and_nothing_of_the_request(
    released: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Predictor, body: bytes, **_: object) -> None:
        raise KeyError(f"{body!r} in /var/task")

    monkeypatch.setattr(Predictor, "predict", fail)
    status, answer = call()
    out = capsys.readouterr().out
    logged = json.loads(out.splitlines()[0])

    assert status == 500
    assert answer["error"]["type"] == "InternalError"
    assert logged["type"] == "KeyError"
    assert "message" not in logged
    assert logged["at"].startswith("test_endpoint:") or ".test_endpoint:" in logged["at"]
    for secret in ("wind", "/var/task", "Traceback", "south"):
        assert secret not in json.dumps(answer)
        assert secret not in out.splitlines()[0]


def test_a_prediction_succeeds_although_counting_fails(
    released: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(RowCounts, "finish", lambda _: 1 / 0)
        assert call()[0] == 200
    assert "ZeroDivisionError" in capsys.readouterr().out

    assert call()[0] == 200
    (found,) = printed(capsys.readouterr().out)
    assert (found.requests, found.uncounted, found.rows) == (2, 1, 1)


def test_what_is_printed_late_is_not_counted_twice(
    released: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse() -> None:
        raise BlockingIOError

    with monkeypatch.context() as full:
        full.setattr("sys.stdout.flush", refuse)
        for _ in range(3):
            assert call()[0] == 200
            clock.now += timedelta(seconds=60)
    call()
    assert [one.requests for one in printed(capsys.readouterr().out)] == [1, 2]  # the last waits


def test_a_prediction_succeeds_although_nothing_can_be_printed(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: str) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stdout.write", refuse)
    assert call()[0] == 200
    assert call()[0] == 200
