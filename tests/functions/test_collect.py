"""The collect function: a subscription's batch ends up in the ledger once."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from functions.collect import handler
from tests.fakes.ledger import MemoryLedger
from tests.fakes.served import FakeContext
from tests.fakes.windows import window
from tidegate import wiring
from tidegate.settings import Settings
from tidegate.windows.codec import encode_lines


@pytest.fixture(autouse=True)
def ledger(monkeypatch: pytest.MonkeyPatch) -> MemoryLedger:
    found = MemoryLedger()
    settings = Settings("dev", "000000000000", "us-east-1")
    monkeypatch.setattr(wiring, "settings", lambda: settings)
    monkeypatch.setattr(wiring, "ledger", lambda: found)
    return found


def batch(*lines: str) -> dict[str, Any]:
    content = {
        "messageType": "DATA_MESSAGE",
        "logGroup": "/aws/lambda/tidegate-dev-model-ferry-delay",
        "logEvents": [{"id": f"38{i}", "timestamp": 1, "message": m} for i, m in enumerate(lines)],
    }
    packed = gzip.compress(json.dumps(content).encode())
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


def metrics(text: str) -> dict[str, Any]:
    (found,) = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    return found


def test_a_batch_that_comes_twice_is_stored_once(
    ledger: MemoryLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    event = batch(*encode_lines(window()), "{}")
    assert handler.handle(event, FakeContext()) == {"stored": 1, "refused": 1}
    told = metrics(capsys.readouterr().out)
    assert told["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Env"]]
    assert (told["Env"], told["WindowsStored"], told["WindowsRefused"]) == ("dev", [1.0], [1.0])

    assert handler.handle(event, FakeContext()) == {"stored": 0, "refused": 1}
    assert len(ledger.stored_windows) == 1
