"""The protocols of the deployed API, as clients that nobody here wrote speak them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.types.inference_request import InferenceRequest
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from tests.local.signing import signing_proxy
from tests.local.support import ADELIE, Second
from tidegate_cli.cloud import Cloud

MODEL = "penguins"
PATH = f"/models/{MODEL}"


@pytest.fixture(scope="module")
def url(cloud: Cloud, second: Second) -> Iterator[str]:
    with signing_proxy(cloud) as host:
        yield f"{host}{PATH}"


@pytest.fixture
def client(url: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(url, network_timeout=60) as found:
        yield found


@pytest.fixture
def plain(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{url.removesuffix(PATH)}", timeout=60) as found:
        yield found


def inputs(*, binary: bool) -> list[triton.InferInput]:
    found = []
    for name, value in ADELIE.items():
        text = isinstance(value, str)
        one = triton.InferInput(name, [1], "BYTES" if text else "FP64")
        one.set_data_from_numpy(np.array([value], dtype=object if text else None), binary)
        found.append(one)
    return found


def test_triton_finds_the_model(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL, "1")
    assert client.get_server_metadata()["name"] == "tidegate"
    found = client.get_model_metadata(MODEL)
    assert [one["name"] for one in found["inputs"]] == list(ADELIE)
    assert found["outputs"][1]["parameters"]["classes"] == ["Adelie", "Chinstrap", "Gentoo"]


@pytest.mark.parametrize("packed", [None, "gzip"])
@pytest.mark.parametrize("binary", [True, False])
def test_triton_predicts(
    client: triton.InferenceServerClient, binary: bool, packed: str | None
) -> None:
    asked = [triton.InferRequestedOutput(name, binary) for name in ("label", "scores")]
    found = client.infer(
        MODEL,
        inputs(binary=binary),
        outputs=asked,
        request_id="seven",
        request_compression_algorithm=packed,
        response_compression_algorithm=packed,
    )
    assert found.as_numpy("label").astype("S").tolist() == [b"Adelie"]
    assert found.as_numpy("scores").shape == (1, 3)
    assert found.get_response()["id"] == "seven"


def test_triton_is_told_what_is_wrong(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="input sex: is missing"):
        client.infer(MODEL, inputs(binary=True)[:-1])


def tensors(**changes: object) -> InferenceRequest:
    row = {**ADELIE, **changes}
    return InferenceRequest(
        inputs=[
            {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64",
             "data": [value]}
            for name, value in row.items()
        ]
    )  # fmt: skip


def test_the_protocols_own_client_is_answered(url: str, plain: httpx.Client) -> None:
    client = OpenInferenceClient(base_url=f"http://{url}", httpx_client=plain)
    client.check_server_readiness()
    assert client.read_model_metadata(MODEL).versions == ["1"]
    found = client.model_infer(MODEL, request=tensors())
    assert found.outputs
    assert found.outputs[0].data.__root__ == ["Adelie"]
    with pytest.raises(ApiError) as refused:
        client.model_infer(MODEL, request=tensors(island="Atlantis"))
    assert "row 0, input island" in str(refused.value.body)


@pytest.mark.parametrize("kind", [{}, {"content-type": "application/octet-stream"}])
def test_gzip_goes_in_and_out(plain: httpx.Client, kind: dict[str, str]) -> None:
    body = json.dumps({"records": [ADELIE] * 50}).encode()
    packed = plain.post(
        f"{PATH}/predict", content=gzip.compress(body), headers={"content-encoding": "gzip", **kind}
    )
    assert packed.headers["content-encoding"] == "gzip"
    answered: Any = packed.json()
    alone = plain.post(f"{PATH}/predict", content=body, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in alone.headers
    assert answered["predictions"] == alone.json()["predictions"]


def test_the_document_describes_what_is_deployed(plain: httpx.Client) -> None:
    found = plain.get(f"{PATH}/openapi.json").json()
    predict = found["paths"][f"{PATH}/predict"]["post"]
    examples = predict["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert plain.post(f"{PATH}/predict", json=example["value"]).status_code == 200
    for path, methods in found["paths"].items():
        for method in methods:
            status = plain.request(method, path, json={}).status_code
            assert status == 200 or (method == "post" and status in (400, 422)), path


def test_another_media_type_is_refused(plain: httpx.Client) -> None:
    refused = plain.post(f"{PATH}/predict", content=b"a,b", headers={"content-type": "text/csv"})
    assert (refused.status_code, refused.json()["error"]["type"]) == (
        415,
        "UnsupportedMediaTypeError",
    )
