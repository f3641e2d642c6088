"""The paths of the Open Inference Protocol in a model's OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.contract import Column, Contract
from tidegate.serving.content_coding import BINARY_TYPE
from tidegate.serving.openapi_columns import (
    TEXT,
    Json,
    content,
    example_row,
    object_schema,
    pointer,
    reference,
)
from tidegate.serving.protocols.framing import CONTENT_TYPES, MAX_ID
from tidegate.serving.protocols.open_inference import output_forms
from tidegate.serving.protocols.tensors import datatypes

_LENGTH: Json = {
    "description": "Length of the JSON object, where bytes of tensors follow it.",
    "schema": {"type": "integer", "minimum": 1},
}
_MEANT: Json = {"content_type": {"enum": list(CONTENT_TYPES)}}
_SIZE: Json = {"binary_data_size": {"type": "integer", "minimum": 0}}


def paths(contract: Contract, base: str, *, version: int) -> Json:
    """Return the paths below `base`, of the model and of its served version."""
    model = f"{base}/models/{contract.model}"
    found = {
        base: {"get": _get("v2Server", "The server's metadata.", "InferServer")},
        f"{base}/health/live": {"get": _get("v2Live", "Whether the server is there.", "InferLive")},
        f"{base}/health/ready": {"get": _get("v2Ready", "Whether it can answer.", "InferReady")},
    }
    for suffix, path in (("", model), ("Version", f"{model}/versions/{version}")):
        found |= {
            path: {"get": _get(f"v2Model{suffix}", "The model's tensors.", "InferModel")},
            f"{path}/ready": {
                "get": _get(f"v2Model{suffix}Ready", "Whether it can answer.", "InferModelReady")
            },
            f"{path}/infer": {"post": _infer(contract, f"v2Infer{suffix}")},
        }
    return found


def schemas(contract: Contract) -> Json:
    """Return the schemas that `paths` refer to."""
    tensors = [reference(pointer("InferTensors", c.name)) for c in contract.columns]
    count = {"minItems": len(tensors), "maxItems": len(tensors)}
    inputs = {"type": "array", **count, "items": {"anyOf": tensors}}
    names: Json = {"enum": [form.name for form in output_forms(contract)]}
    asked = object_schema(
        {"name": names, "parameters": _options(binary_data={"type": "boolean"})}, "parameters"
    )
    request: Json = {
        "id": {"type": ["string", "null"], "maxLength": MAX_ID},
        "model_name": {"const": contract.model},
        "parameters": _options(binary_data_output={"type": "boolean"}, **_MEANT),
        "inputs": inputs,
        "outputs": {"type": "array", "items": asked},
    }
    return {
        "InferTensors": object_schema({c.name: _tensor(c, contract) for c in contract.columns}),
        "InferRequest": object_schema(request, "id", "model_name", "parameters", "outputs"),
        "InferAnswer": _answer(contract, names),
        "InferServer": object_schema({"name": TEXT, "version": TEXT, "extensions": _list(TEXT)}),
        "InferLive": object_schema({"live": {"const": True}}),
        "InferReady": object_schema({"ready": {"const": True}}),
        "InferModelReady": object_schema(
            {"name": {"const": contract.model}, "ready": {"const": True}}
        ),
        "InferModel": _metadata(),
        "InferRefusal": object_schema({"error": TEXT}),
    }


def example_request(contract: Contract) -> Json:
    """Return a request of one row that the contract takes."""
    row = example_row(contract)
    return {
        "inputs": [
            {"name": c.name, "shape": [1], "datatype": datatypes(c)[0], "data": [row[c.name]]}
            for c in contract.columns
        ]
    }


def _get(id: str, summary: str, schema: str) -> Json:
    return {
        "operationId": id,
        "summary": summary,
        "responses": {"200": content("Yes.", reference(schema)), **_failures("404", "500", "503")},
    }


def _infer(contract: Contract, id: str) -> Json:
    request: Json = {
        "schema": reference("InferRequest"),
        "examples": {"row": {"value": example_request(contract)}},
    }
    answer = content("The outputs, and a receipt for them.", reference("InferAnswer"))
    answer["content"][BINARY_TYPE] = {}
    answer["headers"] = {"Inference-Header-Content-Length": _LENGTH}
    return {
        "operationId": id,
        "summary": f"Predict {contract.target.column}: one tensor per column.",
        "description": (
            "Open Inference Protocol V2 with the binary tensor extension. Each tensor has as many "
            "elements as its shape says, all as many rows. Where a column is nullable, null is "
            'null in JSON data, NaN in a floating tensor, and "" in a tensor of BYTES.'
        ),
        "parameters": [
            {"name": "Inference-Header-Content-Length", "in": "header", **_LENGTH},
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": request, BINARY_TYPE: {}},
        },
        "responses": {
            "200": answer,
            **_failures("400", "404", "413", "415", "422", "500", "503"),
        },
    }


def _failures(*codes: str) -> Json:
    refusal = content("Refused, with the reason.", reference("InferRefusal"))
    gateway = {code: {"$ref": f"#/components/responses/Refused{code}"} for code in ("403", "429")}
    return {**dict.fromkeys(codes, refusal), **gateway}


def _tensor(column: Column, contract: Contract) -> Json:
    value: Json = reference(pointer("Row", column.name))
    if column.type == "category" and column.nullable:
        value = {"anyOf": [value, {"const": ""}]}
    nested = {"type": "array", "minItems": 1, "maxItems": 1, "items": value}
    rows = {"minItems": 1, "maxItems": contract.max_rows}
    sizes = [{"type": "integer", "minimum": 1, "maximum": contract.max_rows}, {"const": 1}]
    tensor: Json = {
        "name": {"const": column.name},
        "shape": {"type": "array", "prefixItems": sizes, "minItems": 1, "maxItems": 2},
        "datatype": {"enum": list(datatypes(column))},
        "parameters": _options(**_MEANT, **_SIZE),
        "data": {"type": "array", **rows, "items": {"anyOf": [value, nested]}},
    }
    return object_schema(tensor, "parameters", "data")


def _answer(contract: Contract, names: Json) -> Json:
    numbers: Json = _list({"type": "integer", "minimum": 1})
    data = _list({"type": ["number", "string"]})
    types: Json = {"enum": sorted({form.datatype for form in output_forms(contract)})}
    output: Json = {
        "name": names,
        "datatype": types,
        "shape": numbers,
        "parameters": _options(**_SIZE),
        "data": data,
    }
    answer: Json = {
        "model_name": {"const": contract.model},
        "model_version": TEXT,
        "id": TEXT,
        "parameters": object_schema({"receipt": TEXT, "release": TEXT}),
        "outputs": _list(object_schema(output, "parameters", "data")),
    }
    return object_schema(answer, "id")


def _metadata() -> Json:
    tensor: Json = {
        "name": TEXT,
        "datatype": TEXT,
        "shape": _list({"type": "integer", "minimum": -1}),
        "parameters": object_schema({"classes": _list(TEXT)}),
    }
    tensors = _list(object_schema(tensor, "parameters"))
    return object_schema(
        {
            "name": TEXT,
            "versions": _list(TEXT),
            "platform": TEXT,
            "inputs": tensors,
            "outputs": tensors,
        }
    )


def _options(**properties: Json) -> Json:
    return object_schema(properties, *properties)


def _list(items: Mapping[str, Any]) -> Json:
    return {"type": "array", "items": dict(items)}
