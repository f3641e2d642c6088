"""Collect: log lines become windows, and one bad line does not hold up the others."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from tests.fakes.windows import window
from tidegate.errors import RequestError
from tidegate.serving.collecting import Collected, collect
from tidegate.settings import Names
from tidegate.windows.codec import encode_lines

NAMES = Names("dev")
GROUP = "/aws/lambda/tidegate-dev-model-ferry-delay"
LINE = encode_lines(window())[0]


def batch(*messages: str, **changes: Any) -> str:
    events = [{"id": f"38{i}", "timestamp": 1, "message": m} for i, m in enumerate(messages)]
    content = {"messageType": "DATA_MESSAGE", "logGroup": GROUP, "logEvents": events} | changes
    return base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()


def test_a_window_takes_the_id_of_its_log_event() -> None:
    found = collect(batch(LINE, LINE + "\n"), names=NAMES)
    assert [one.id for one in found.windows] == ["380", "381"]
    assert {one.score for one in found.windows} == {window().score}


def test_a_bad_line_is_counted_and_the_others_are_kept() -> None:
    bad = [LINE[:-9], "{}", LINE.replace('"rows":6', '"rows":"Jane Doe"')]
    found = collect(batch(bad[0], LINE, *bad[1:]), names=NAMES)
    assert len(found.windows) == 1
    assert len(found.refused) == 3
    assert "Jane" not in str(found.refused)


@pytest.mark.parametrize(
    "event",
    [
        *({"id": "389", "message": text} for text in (5, None, {}, [LINE])),
        *({"id": id, "message": LINE} for id in (5, None, "", "a#b", "1" * 201)),
        {"message": LINE},
        {"id": "389"},
        "a line",
        None,
    ],
    ids=lambda event: str(event)[:30],
)
def test_a_log_event_of_another_form_is_counted_and_the_others_are_kept(event: object) -> None:
    good = {"id": "380", "message": LINE}
    found = collect(batch(logEvents=[event, good]), names=NAMES)
    assert [one.id for one in found.windows] == ["380"]
    assert len(found.refused) == 1


@pytest.mark.parametrize("year", ["0001", "1969", "9000", "9999"])
def test_a_window_that_can_have_no_time_to_live_is_passed_over(year: str) -> None:
    odd = LINE.replace('"end":"2026-11-22', f'"end":"{year}-12-31')
    assert odd != LINE
    found = collect(batch(odd, LINE), names=NAMES)
    assert [one.id for one in found.windows] == ["381"]
    assert "end: must be a timestamp" in found.refused[0]


@pytest.mark.parametrize("group", ["/aws/lambda/tidegate-dev-model-iris", "/aws/lambda/x", None])
def test_nobody_speaks_for_another_model(group: str | None) -> None:
    found = collect(batch(LINE, logGroup=group), names=NAMES)
    assert not found.windows
    assert "log group" in found.refused[0]


def test_a_control_message_is_no_window() -> None:
    found = collect(batch("CWL CONTROL MESSAGE", messageType="CONTROL_MESSAGE"), names=NAMES)
    assert found == Collected((), ())


@pytest.mark.parametrize(
    "data",
    ["", "%%%", "ää", base64.b64encode(b"no gzip").decode()]
    + [
        base64.b64encode(gzip.compress(text, mtime=0)).decode()
        for text in (
            b"[]",
            b"{",
            b"\xff",
            b"",
            b"[" * 200_000,
            b'{"messageType": "DATA_MESSAGE"}',
            b'{"messageType": "DATA_MESSAGE", "logEvents": null}',
        )
    ],
)
def test_what_is_no_batch_is_refused(data: str) -> None:
    with pytest.raises(RequestError, match="no batch"):
        collect(data, names=NAMES)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.serving.collecting.MAX_BATCH", 1_000_000)
    bomb = base64.b64encode(gzip.compress(b"[" + b" " * 50_000_000 + b"]")).decode()
    with pytest.raises(RequestError, match="no batch"):
        collect(bomb, names=NAMES)
