"""The feedback function: signed outcomes become labels, anything else a refusal in strict JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from functions.feedback import handler
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.ledger import MemoryLedger
from tests.fakes.made import registry
from tests.fakes.package import package
from tests.fakes.served import KEY, FakeContext, event
from tests.fakes.signer import FakeSigner
from tidegate import wiring
from tidegate.catalog import Catalog
from tidegate.clock import utc_now
from tidegate.package import keys
from tidegate.package.archive import open_package
from tidegate.registry.values import VersionDraft
from tidegate.serving.receipts import Receipt, sign
from tidegate.settings import Settings

SETTINGS = Settings("dev", "000000000000", "us-east-1", receipt_key=KEY)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> MemoryLedger:
    found, data = MemoryLedger(), package()
    opened = open_package(data)
    book, _ = registry()
    now = utc_now()
    book.ensure_model("ferry-delay", owner="ann", at=now, actor="ann")
    draft = VersionDraft(
        package_digest=opened.digest,
        package_size=len(data),
        contract_digest=opened.contract.digest,
        run="ferry-delay-1",
        lineage=opened.manifest.lineage,
        metrics={"rmse": 1.0},
        gates=(),
        holdout_shift=None,
    )
    book.register("ferry-delay", draft, FakeSigner(), at=now, actor="ann", request_id="1")
    artifacts = MemoryArtifacts()
    artifacts.put(keys.package_file("ferry-delay", opened.digest), data)
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS)
    monkeypatch.setattr(wiring, "ledger", lambda: found)
    monkeypatch.setattr(wiring, "registry", lambda: book)
    monkeypatch.setattr(wiring, "catalog", lambda: Catalog(book, artifacts))
    handler._contract.cache_clear()
    return found


def receipt(version: int = 1) -> str:
    return sign(
        Receipt("q1", "ferry-delay", version, "r-1", utc_now(), ((30.0,), (20.0,))), key=KEY
    )


def refusal(code: str, status: int = 400) -> ClientError:
    told: Any = {
        "Error": {"Code": code, "Message": "secret"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(told, "UpdateItem")


def call(*entries: object, **changes: Any) -> tuple[int, dict[str, Any]]:
    told = event(json.dumps({"feedback": list(entries)})) | changes
    answer = handler.handle(told, FakeContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_the_same_feedback_again_is_stored_once(
    ledger: MemoryLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    text = receipt()
    entries = [{"receipt": text, "row": row, "label": 31.5} for row in (0, 1)]
    assert call(*entries) == (200, {"stored": 2, "changed": 0, "duplicates": 0})
    told = json.loads(capsys.readouterr().out)
    assert told["LabelsStored"] == [2.0]
    assert len(told["LabelDelay"]) == 2
    assert call(*entries) == (200, {"stored": 0, "changed": 0, "duplicates": 2})
    assert "LabelDelay" not in json.loads(capsys.readouterr().out)
    assert ledger.stored_labels["ferry-delay", "q1", 1].score == (20.0,)


def test_a_correction_is_stored_beside_what_was_told_before(
    ledger: MemoryLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {"receipt": receipt(), "row": 0, "label": 31.5}
    call(entry)
    capsys.readouterr()
    assert call({**entry, "label": 32.0}) == (200, {"stored": 0, "changed": 1, "duplicates": 0})
    assert json.loads(capsys.readouterr().out)["LabelsChanged"] == [1.0]
    found = ledger.stored_labels["ferry-delay", "q1", 0]
    assert (found.label, [one.label for one in found.earlier]) == ("32.0", ["31.5"])


@pytest.mark.parametrize(
    ("entry", "status", "kind"),
    [
        ({"receipt": "forged.forged", "row": 0, "label": 1}, 400, "ReceiptError"),
        ({"receipt": receipt(), "row": 2, "label": 1}, 422, "InvalidRowsError"),
        ({"receipt": receipt(), "row": 0, "label": "soon"}, 422, "InvalidRowsError"),
        ({"receipt": receipt(9), "row": 0, "label": 1}, 404, "NotFoundError"),
    ],
)
def test_feedback_that_is_wrong_stores_nothing(
    ledger: MemoryLedger, entry: dict[str, object], status: int, kind: str
) -> None:
    good = {"receipt": receipt(), "row": 0, "label": 1}
    found, answer = call(good, entry)
    assert (found, answer["error"]["type"]) == (status, kind)
    assert not ledger.stored_labels


def test_a_body_that_is_too_long_is_refused(ledger: MemoryLedger) -> None:
    status, answer = call(body=" " * 6_000_001)
    assert (status, answer["error"]["type"]) == (413, "PayloadTooLargeError")


def test_a_store_that_fails_is_told_by_its_class_only(
    ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> MemoryLedger:
        raise RuntimeError("table tidegate-dev-ledger holds 31.5")

    monkeypatch.setattr(wiring, "ledger", fail)
    status, answer = call({"receipt": receipt(), "row": 0, "label": 31.5})
    (record,) = caplog.records
    assert (status, answer["error"]["type"]) == (500, "InternalError")
    assert (vars(record)["type"], record.exc_info) == ("RuntimeError", None)
    assert "31.5" not in str(vars(record)) + json.dumps(answer)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        *(
            pytest.param(refusal(code), 503, "ServiceUnavailableError", id=code)
            for code in (
                "ThrottlingException",
                "ProvisionedThroughputExceededException",
                "RequestLimitExceeded",
                "InternalServerError",
            )
        ),
        pytest.param(refusal("New", 503), 503, "ServiceUnavailableError", id="any 5xx"),
        pytest.param(ReadTimeoutError(endpoint_url="x"), 503, "ServiceUnavailableError", id="read"),
        pytest.param(
            ConnectTimeoutError(endpoint_url="x"), 503, "ServiceUnavailableError", id="connect"
        ),
        pytest.param(
            EndpointConnectionError(endpoint_url="x"), 503, "ServiceUnavailableError", id="away"
        ),
        pytest.param(refusal("AccessDeniedException"), 500, "InternalError", id="denied"),
        pytest.param(refusal("ValidationException"), 500, "InternalError", id="wrong"),
        pytest.param(NoCredentialsError(), 500, "InternalError", id="no credentials"),
    ],
)
@pytest.mark.parametrize("of", ["ledger", "registry", "catalog"])
def test_what_passes_by_itself_is_a_503_and_may_be_sent_again(
    ledger: MemoryLedger,
    monkeypatch: pytest.MonkeyPatch,
    of: str,
    error: Exception,
    status: int,
    kind: str,
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(wiring, of, fail)
    entry = {"receipt": receipt(), "row": 0, "label": 31.5}
    found, answer = call(entry)
    assert (found, answer["error"]["type"]) == (status, kind)
    assert "secret" not in json.dumps(answer)


def test_collect_and_feedback_need_no_numeric_layer() -> None:
    code = """
import sys
sys.modules.update(dict.fromkeys(("numpy", "onnxruntime", "orjson", "pandas", "scipy")))
import functions.collect.handler, functions.feedback.handler
import tidegate.catalog, tidegate.registry.book, tidegate.aws.ledger_table
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
