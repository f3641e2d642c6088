"""The deployed endpoint as a client meets it."""

from __future__ import annotations

import pytest

from tests.local.support import ADELIE, Second, Told
from tidegate.client import Api


def test_endpoint_without_a_release_says_so(second: Second) -> None:
    assert second.before.status == 503
    assert second.before.body["error"]["type"] == "NoReleaseError"


def test_second_model_goes_from_folder_to_prediction(second: Second, http: Api) -> None:
    answer = http.predict("penguins", records=[ADELIE])
    assert answer.status == 200
    assert answer.body["predictions"][0]["label"] == "Adelie"
    assert answer.body["version"] == 1


@pytest.mark.parametrize("path", ["/models/penguins", "/models/penguins/predict"])
def test_unsigned_request_is_forbidden(second: Second, http: Api, path: str) -> None:
    method = "POST" if path.endswith("predict") else "GET"
    assert http.send(method, path, body=b"{}", signed=False).status == 403


def test_wrong_column_is_named(second: Second, http: Api) -> None:
    answer = http.predict("penguins", records=[{**ADELIE, "wingspan": 3.0}])
    assert answer.status == 422
    assert "wingspan" in str(answer.body["error"]["problems"])


def test_records_and_columns_give_the_same_answer(second: Second, http: Api) -> None:
    records = http.predict("penguins", records=[ADELIE, ADELIE])
    columns = http.predict("penguins", columns={name: [v, v] for name, v in ADELIE.items()})
    assert records.body["predictions"] == columns.body["predictions"]


def test_forged_receipt_is_refused(second: Second, http: Api) -> None:
    receipt = http.predict("penguins", records=[ADELIE]).body["receipt"]
    forged = receipt[:-2] + ("AA" if receipt[-2:] != "AA" else "BB")
    answer = http.feedback("penguins", [{"receipt": forged, "row": 0, "label": "Adelie"}])
    assert answer.status == 400


def test_feedback_is_stored_once(second: Second, http: Api) -> None:
    receipt = http.predict("penguins", records=[ADELIE]).body["receipt"]
    label = [{"receipt": receipt, "row": 0, "label": "Adelie"}]
    assert http.feedback("penguins", label).body["stored"] == 1
    assert http.feedback("penguins", label).body["duplicates"] == 1


def test_champion_serves_after_the_story(told: Told, http: Api) -> None:
    health = http.health("flight-delay")
    assert health.status == 200
    assert health.body["version"] == 4
