"""The OpenAPI document: valid, complete, and its examples are really accepted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tests.fakes.http_api import answer, serving, unreleased
from tests.fakes.served import CONTRACT, MULTICLASS, REGRESSION, ROW, event
from tidegate.contract import FLOAT32_LIMIT, INTEGER_MAX, Column, Contract
from tidegate.serving.openapi import document
from tidegate.serving.openapi_columns import column_schema, example_row
from tidegate.windows.label_history import Stored

CONTRACTS = {"binary": CONTRACT, "multiclass": MULTICLASS, "regression": REGRESSION}
ODD = replace(
    CONTRACT,
    columns=(
        Column("wind/h ~%", "float", minimum=-3.0, maximum=-1.0, description="Wind, no rain."),
        Column("#boats", "integer", minimum=-7, maximum=-4, nullable=True),
        Column("low", "integer", maximum=-2),
        Column("high", "float", minimum=5.0),
        Column("Hafen ü", "category", categories=("", "b"), nullable=True),
        Column("holiday", "boolean", nullable=True),
    ),
)
CONTRACTS["odd names and bounds"] = ODD
each = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS.keys())


def told(contract: Contract) -> Any:
    got = event(method="GET") | {"rawPath": f"/models/{contract.model}/openapi.json"}
    found = answer(serving(contract), got)
    assert found["headers"]["content-type"] == "application/json"
    return json.loads(found["body"])


def operations(found: Any) -> dict[str, Any]:
    return {one["operationId"]: one for path in found["paths"].values() for one in path.values()}


def validator(found: Any, schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": found["components"]})


def send(contract: Contract, path: str, content: Any) -> tuple[int, Any]:
    sent = event(json.dumps(content)) | {"rawPath": path}
    found = answer(serving(contract), sent)
    return found["statusCode"], json.loads(found["body"])


@each
def test_every_example_is_accepted_and_every_answer_is_as_described(contract: Contract) -> None:
    found = told(contract)
    tried = 0
    for path, methods in found["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        media = content.get("application/json", {})
        for example in media.get("examples", {}).values():
            assert validator(found, media["schema"]).is_valid(example["value"])
            status, body = send(contract, path, example["value"])
            assert status == 200, body
            described = methods["post"]["responses"]["200"]["content"]["application/json"]
            validator(found, described["schema"]).validate(body)
            tried += 1
    assert tried == 4  # records, columns, and tensors with and without the version


@each
def test_every_reference_leads_somewhere(contract: Contract) -> None:
    found = told(contract)
    schemas = found["components"]["schemas"]
    for name in schemas:
        validator(found, {"$ref": f"#/components/schemas/{name}"}).is_valid({})
    responses = {
        response["$ref"].rpartition("/")[2]
        for operation in operations(found).values()
        for response in operation["responses"].values()
        if "$ref" in response
    }
    assert responses <= set(found["components"]["responses"])


def test_columns_are_described_as_the_contract_has_them() -> None:
    row = told(ODD)["components"]["schemas"]["Row"]
    assert row["required"] == list(ODD.column_names)
    assert row["additionalProperties"] is False
    assert row["properties"] == {
        "wind/h ~%": {
            "type": "number", "minimum": -3.0, "maximum": -1.0, "description": "Wind, no rain.",
        },
        "#boats": {"type": ["integer", "null"], "minimum": -7, "maximum": -4},
        "low": {"type": "integer", "minimum": -INTEGER_MAX, "maximum": -2},
        "high": {"type": "number", "minimum": 5.0, "maximum": FLOAT32_LIMIT},
        "Hafen ü": {"enum": ["", "b", None]},
        "holiday": {"type": ["boolean", "null"]},
    }  # fmt: skip


def test_a_column_that_maps_the_unknown_takes_any_text() -> None:
    schema = Draft202012Validator(column_schema(CONTRACT.columns[2]))
    assert schema.is_valid("elsewhere")
    assert not schema.is_valid(None)
    assert not schema.is_valid(1)


def test_rows_and_bytes_have_their_limits() -> None:
    found = told(CONTRACT)
    assert found["components"]["schemas"]["Records"]["maxItems"] == CONTRACT.max_rows
    assert f"{CONTRACT.max_bytes} bytes" in operations(found)["predict"]["description"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"records": [{**ROW, "wind": 61}]}, 422),
        ({"records": [{**ROW, "wind": "1"}]}, 422),
        ({"records": [{k: v for k, v in ROW.items() if k != "wind"}]}, 422),
        ({"records": [{**ROW, "more": 1}]}, 422),
        ({"records": []}, 422),
        ({"records": [ROW] * 51}, 413),
        ({"records": [ROW], "columns": {}}, 400),
        ([], 400),
    ],
)
def test_what_the_schema_refuses_is_refused_as_described(content: Any, status: int) -> None:
    found = told(CONTRACT)
    predict = operations(found)["predict"]
    body = predict["requestBody"]["content"]["application/json"]["schema"]
    assert not validator(found, body).is_valid(content)
    code, refused = send(CONTRACT, "/models/ferry-delay/predict", content)
    assert code == status
    reference = predict["responses"][str(status)]["$ref"].rpartition("/")[2]
    described = found["components"]["responses"][reference]["content"]["application/json"]
    validator(found, described["schema"]).validate(refused)


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        ({"receipt": "r", "row": 0, "label": "late"}, True),
        ({"receipt": "r", "labels": ["late", None]}, True),
        ({"receipt": "r", "rows": [1], "labels": ["late"]}, True),
        ({"receipt": "r", "row": -1, "label": "late"}, False),
        ({"receipt": "r", "row": 0, "labels": ["late"]}, False),
        ({"row": 0, "label": "late"}, False),
    ],
)
def test_feedback_is_described(entry: Any, valid: bool) -> None:
    found = told(CONTRACT)
    feedback = operations(found)["feedback"]
    body = feedback["requestBody"]["content"]["application/json"]["schema"]
    assert validator(found, body).is_valid({"feedback": [entry]}) is valid
    stored = feedback["responses"]["200"]["content"]["application/json"]["schema"]
    validator(found, stored).validate(Stored().to_answer())


def test_every_path_asks_for_a_signature() -> None:
    found = told(CONTRACT)
    assert found["security"] == [{"sigv4": []}]
    scheme = found["components"]["securitySchemes"]["sigv4"]
    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert all("security" not in one for one in operations(found).values())


def test_the_document_is_made_once() -> None:
    service = serving()
    got = event(method="GET") | {"rawPath": "/models/ferry-delay/openapi.json"}
    first = answer(service, got)
    assert answer(service, got) == first
    assert "_openapi" in vars(service)


def test_before_any_release_there_is_no_document() -> None:
    got = event(method="GET") | {"rawPath": "/models/ferry-delay/openapi.json"}
    assert answer(unreleased(), got)["statusCode"] == 503


@each
def test_the_example_is_a_row_of_the_contract(contract: Contract) -> None:
    found = document(contract, version=1)
    row = validator(found, {"$ref": "#/components/schemas/Row"})
    row.validate(example_row(contract))
