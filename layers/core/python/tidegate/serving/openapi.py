"""OpenAPI 3.1 of one model's API, compiled from its contract: nothing here lists a column twice.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from tidegate.contract import Contract
from tidegate.serving import openapi_inference as v2
from tidegate.serving.feedback import MAX_LABELS
from tidegate.serving.openapi_columns import (
    TEXT,
    Json,
    column_schema,
    content,
    example_row,
    object_schema,
    pointer,
    reference,
)

SIGNED = "sigv4"
_GATEWAY = ("403", "429")  # answered by API Gateway itself
_COUNT: Json = {"type": "integer", "minimum": 0}


def document(contract: Contract, *, version: int) -> Json:
    """Return the document of a model, in the version that is served."""
    path = f"/models/{contract.model}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": contract.model,
            "version": str(version),
            "description": f"Predictions of {contract.target.column}, and feedback on them.",
        },
        "servers": [{"url": "/"}],
        "security": [{SIGNED: []}],
        "paths": {
            path: {"get": _health()},
            f"{path}/predict": {"post": _predict(contract)},
            f"{path}/feedback": {"post": _feedback()},
            f"{path}/openapi.json": {"get": _self()},
            **v2.paths(contract, f"{path}/v2", version=version),
        },
        "components": {
            "securitySchemes": {SIGNED: _signature()},
            "schemas": {**_schemas(contract), **v2.schemas(contract)},
            "responses": _refusals(),
        },
    }


def _signature() -> Json:
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "AWS Signature Version 4 of the request, for the service execute-api.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def _health() -> Json:
    ready = object_schema({**_ABOUT, "ready": {"const": True}})
    unready = object_schema({**_ABOUT, "ready": {"const": False}, "error": reference("Error")})
    return {
        "operationId": "health",
        "summary": "Which version serves, and whether it is ready.",
        "responses": {
            "200": content("It is ready.", ready),
            "500": content("The package can't be used.", unready),
            "503": content("No version was released yet.", unready),
            **_failures("404"),
        },
    }


def _predict(contract: Contract) -> Json:
    example = example_row(contract)
    body = {
        "oneOf": [_object(records=reference("Records")), _object(columns=reference("Columns"))],
    }
    return {
        "operationId": "predict",
        "summary": f"Predict {contract.target.column} of 1 to {contract.max_rows} rows.",
        "description": (
            f"The body may have {contract.max_bytes} bytes, inflated where its Content-Encoding "
            "is gzip. Every column must be there under its own name; where it is nullable, null "
            "stands for a missing value. An integer is written 3, not 3.0. The lists of columns "
            "are equally long. The answer is gzip when Accept-Encoding allows that and it is long."
        ),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": body,
                    "examples": {
                        "records": {"value": {"records": [example]}},
                        "columns": {"value": {"columns": {k: [v] for k, v in example.items()}}},
                    },
                }
            },
        },
        "responses": {
            "200": content(
                "One prediction per row, and a receipt for them.", reference("Predictions")
            ),
            **_failures("400", "404", "413", "415", "422", "500", "503"),
        },
    }


def _feedback() -> Json:
    row: Json = {"type": "integer", "minimum": 0}
    label: Json = {"type": ["string", "number", "boolean"]}
    known = {"type": "array", "minItems": 1, "items": label}
    per_row = {"type": "array", "minItems": 1, "items": {"type": [*label["type"], "null"]}}
    rows = {"type": "array", "minItems": 1, "items": row}
    entries = {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_LABELS,
        "items": {
            "oneOf": [
                _object(receipt=TEXT, row=row, label=label),
                _object(receipt=TEXT, labels=per_row),
                _object(receipt=TEXT, rows=rows, labels=known),
            ]
        },
    }
    refused = reference("Refusal")
    return {
        "operationId": "feedback",
        "summary": "Tell the true outcomes of predictions, by their receipts.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _object(feedback=entries)}},
        },
        "responses": {
            "200": content("The labels were stored.", _STORED),
            "503": content("The labels can't be stored now; send them again.", refused),
            **_failures("400", "413", "415", "422", "500"),
        },
    }


def _self() -> Json:
    return {
        "operationId": "openapi",
        "summary": "This document.",
        "responses": {
            "200": content("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "paths"]}),
            **_failures("404", "500", "503"),
        },
    }


def _schemas(contract: Contract) -> Json:
    names = list(contract.column_names)
    rows = {"minItems": 1, "maxItems": contract.max_rows}
    columns = {n: {"type": "array", **rows, "items": reference(pointer("Row", n))} for n in names}
    predictions = {"type": "array", **rows, "items": _prediction(contract)}
    return {
        "Row": object_schema({column.name: column_schema(column) for column in contract.columns}),
        "Records": {"type": "array", **rows, "items": reference("Row")},
        "Columns": object_schema(columns),
        "Predictions": object_schema({**_ABOUT, "receipt": TEXT, "predictions": predictions}),
        "Problem": _object(row={"type": "integer", "minimum": -1}, column=TEXT, rule=TEXT),
        "Error": _object(type=TEXT, message=TEXT, problems=_PROBLEMS),
        "Refusal": _object(error=reference("Error")),
    }


def _prediction(contract: Contract) -> Json:
    if contract.task == "regression":
        return _object(value={"type": "number"})
    label = {"enum": list(contract.target.classes)}
    score = {"type": "number"}
    if contract.task == "binary":
        told = f"Probability of {contract.target.classes[1]}."
        return _object(label=label, score={**score, "description": told})
    return _object(label=label, scores=object_schema(dict.fromkeys(contract.target.classes, score)))


def _refusals() -> Json:
    told = {
        "400": "The request has not the form that is taken.",
        "403": "The request is not signed, or its signer may not call this path.",
        "404": "There is no such path, model or version.",
        "413": "The body has too many bytes or rows, or its answer would.",
        "415": "The body's content type, charset or encoding is not taken.",
        "422": "Rows break the contract; the first 20 problems are named.",
        "429": "More requests than the API takes; try again later.",
        "500": "The request could not be answered.",
        "503": "No version was released yet.",
    }
    refusals = {code: content(text, reference("Refusal")) for code, text in told.items()}
    for code in _GATEWAY:
        refusals[code] = content(told[code], {"type": "object", "required": ["message"]})
    return {f"Refused{code}": refusal for code, refusal in refusals.items()}


def _failures(*codes: str) -> Json:
    every = sorted({*codes, *_GATEWAY})
    return {code: {"$ref": f"#/components/responses/Refused{code}"} for code in every}


def _object(**properties: Json) -> Json:
    return object_schema(properties)


_ABOUT: Json = {"model": TEXT, "version": _COUNT, "release": TEXT}
_STORED: Json = _object(stored=_COUNT, changed=_COUNT, duplicates=_COUNT)
_PROBLEMS: Json = {"type": "array", "maxItems": 20, "items": reference("Problem")}
