"""Clients that nobody here wrote: Triton's, and the one made from the protocol's own OpenAPI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.types.inference_request import InferenceRequest
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from tests.fakes.http_api import listening, serving
from tests.fakes.served import CONTRACT

MODEL = "ferry-delay"
DATA: dict[str, Any] = {
    "wind": np.array([12.5, np.nan, 45.0]),
    "gusts": np.array([1, 2, 3], dtype=np.float32),
    "harbour": np.array(["south", "north", "elsewhere"], dtype=object),
    "boats": np.array([1, 2, 3], dtype=np.int16),
    "holiday": np.array([True, False, True]),
}
LABELS, SCORES = [b"on time", b"on time", b"late"], [0.208333, 0.0, 0.75]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(serving()) as host:
        yield f"{host}/models/{MODEL}"


@pytest.fixture
def client(url: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(url) as found:
        yield found


@pytest.fixture
def plain() -> Iterator[httpx.Client]:
    with httpx.Client() as found:
        yield found


def inputs(*, binary: bool = True, **changes: Any) -> list[triton.InferInput]:
    found = []
    for name, array in {**DATA, **changes}.items():
        sent = array if binary or array.dtype.kind != "f" else np.nan_to_num(array)
        one = triton.InferInput(name, sent.shape, np_to_triton_dtype(sent.dtype))
        one.set_data_from_numpy(sent, binary_data=binary)
        found.append(one)
    return found


def test_triton_finds_the_server_and_its_model(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "3")
    assert not client.is_model_ready(MODEL, "4")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert [one["name"] for one in client.get_model_metadata(MODEL)["inputs"]] == list(DATA)


@pytest.mark.parametrize("packed", [None, "gzip"])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    "asked", [{}, {"label": True, "score": False}, {"score": True, "label": False}]
)
def test_triton_predicts(
    client: triton.InferenceServerClient, binary: bool, asked: dict[str, bool], packed: str | None
) -> None:
    outputs = [triton.InferRequestedOutput(n, binary_data=b) for n, b in asked.items()]
    found = client.infer(
        MODEL,
        inputs(binary=binary),
        outputs=outputs or None,
        request_id="seven",
        request_compression_algorithm=packed,
        response_compression_algorithm=packed,
    )
    assert found.as_numpy("label").astype("S").tolist() == LABELS
    assert found.as_numpy("score").tolist() == SCORES
    about = found.get_response()
    assert (about["id"], about["model_version"]) == ("seven", "3")
    assert about["parameters"]["receipt"]


def test_triton_is_told_what_is_wrong(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="row 1, input wind: must be a finite"):
        client.infer(MODEL, inputs(wind=np.array([1.0, 99.0, 1.0])))
    with pytest.raises(InferenceServerException, match="input vvind: is no column"):
        client.infer(MODEL, inputs(vvind=DATA["wind"]))
    with pytest.raises(InferenceServerException, match="version 3 here"):
        client.infer(MODEL, inputs(), model_version="4")


def request(**changes: Any) -> InferenceRequest:
    data = {"wind": [12.5, 45.0], "gusts": [1, 2], "harbour": ["south", "north"], "boats": [1, 2]}
    types = {"wind": "FP64", "gusts": "FP32", "harbour": "BYTES", "boats": "INT64"}
    tensors = [
        {"name": name, "shape": [2], "datatype": types[name], "data": values}
        for name, values in {**data, **changes}.items()
    ]
    return InferenceRequest(id="7", inputs=tensors)


def test_the_protocols_own_client_reads_metadata(url: str, plain: httpx.Client) -> None:
    client = OpenInferenceClient(base_url=f"http://{url}", httpx_client=plain)
    client.check_server_liveness()
    client.check_server_readiness()
    client.check_model_readiness(MODEL)
    assert client.read_server_metadata().name == "tidegate"
    assert client.read_model_metadata(MODEL).versions == ["3"]


def test_the_protocols_own_client_is_answered(plain: httpx.Client) -> None:
    contract = replace(CONTRACT, columns=CONTRACT.columns[:4])  # it sends true as 1.0
    with listening(serving(contract)) as host:
        url = f"http://{host}/models/{MODEL}"
        client = OpenInferenceClient(base_url=url, httpx_client=plain)
        found = client.model_infer(MODEL, request=request())
        label, score = found.outputs or []
        assert label.data.__root__ == ["on time", "late"]
        assert score.data.__root__ == [0.208333, 0.75]
        assert found.id == "7"
        with pytest.raises(ApiError) as refused:
            client.model_infer(MODEL, request=request(wind=[1.0, 99.0]))
        assert "row 1, input wind" in str(refused.value.body)
