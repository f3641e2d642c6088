"""The Open Inference Protocol: requests of its specification, and what is wrong with others."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest

from tests.fakes.http_api import answer, serving, unreleased
from tests.fakes.served import (
    AT,
    CONTRACT,
    KEY,
    MULTICLASS,
    NOON,
    REGRESSION,
    ROW,
    as_rows,
    event,
    predictor,
    records,
)
from tidegate.contract import Contract
from tidegate.errors import PackageError
from tidegate.scoring.session import Matrix
from tidegate.serving.predictor import OPEN_INFERENCE
from tidegate.serving.protocols.open_inference import failure, refusal
from tidegate.serving.receipts import verify
from tidegate.serving.refusing import failure_to, refusal_to
from tidegate.serving.service import KNOWN_ROUTES

BASE = "/models/ferry-delay/v2"
INFER = f"{BASE}/models/ferry-delay/infer"
WINDY = {**ROW, "wind": 45.0}
Json = dict[str, Any]


def tensor(name: str, datatype: str, *data: Any, **more: Any) -> Json:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data)} | more


def request(**changes: Any) -> Json:
    """Return a request of two rows; a change replaces the tensor of its name, None drops it."""
    tensors = {
        "wind": tensor("wind", "FP64", 12.5, 45.0),
        "gusts": tensor("gusts", "FP32", 1.0, 1),
        "harbour": tensor("harbour", "BYTES", "south", "south"),
        "boats": tensor("boats", "INT64", 2, 2),
        "holiday": tensor("holiday", "BOOL", False, False),
    }
    found = {**tensors, **changes}
    return {"inputs": [one for one in found.values() if one is not None]}


def send(
    content: Json | bytes, *, contract: Contract = CONTRACT, path: str = INFER, **headers: str
) -> Json:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = event(base64.b64encode(body).decode())
    return answer(
        serving(contract), {**sent, "rawPath": path, "isBase64Encoded": True, "headers": named}
    )


def told(content: Json | bytes, **more: Any) -> Json:
    found = send(content, **more)
    assert found["statusCode"] == 200, found["body"]
    return json.loads(found["body"])


def refused(content: Json | bytes, **more: Any) -> tuple[int, str]:
    found = send(content, **more)
    body = json.loads(found["body"])
    assert set(body) == {"error"}
    return found["statusCode"], body["error"]


def get(path: str, service: Any = None) -> tuple[int, Json]:
    found = answer(service or serving(), {**event(method="GET"), "rawPath": f"{BASE}{path}"})
    return found["statusCode"], json.loads(found["body"])


def test_a_binary_task_answers_label_and_score() -> None:
    found = told({**request(), "id": "42"})
    receipt = found.pop("parameters")
    assert receipt["release"] == "r-3"
    claims = verify(receipt["receipt"], key=KEY, model="ferry-delay", at=NOON)
    assert claims.scores == ((0.208333,), (0.75,))
    assert found == {
        "model_name": "ferry-delay",
        "model_version": "3",
        "id": "42",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["on time", "late"]},
            {"name": "score", "datatype": "FP64", "shape": [2], "data": [0.208333, 0.75]},
        ],
    }


def test_a_multiclass_task_answers_a_row_of_scores() -> None:
    label, scores = told(request(), contract=MULTICLASS)["outputs"]
    own = predictor(MULTICLASS).predict(records(ROW, WINDY), id="q1", at=AT)
    rows = json.loads(own.answer.body)["predictions"]
    assert label["data"] == [row["label"] for row in rows]
    assert scores["shape"] == [2, 3]
    assert scores["data"] == [value for row in rows for value in row["scores"].values()]


def test_a_regression_answers_values() -> None:
    (value,) = told(request(), contract=REGRESSION)["outputs"]
    assert (value["name"], value["datatype"], value["shape"]) == ("value", "FP64", [2])


@pytest.mark.parametrize("contract", [CONTRACT, MULTICLASS, REGRESSION], ids=lambda c: c.task)
@pytest.mark.parametrize("count", [1, 2, 3, 20])
@pytest.mark.parametrize("first", [0, 1])
def test_each_row_is_answered_as_in_our_own_json(
    contract: Contract, count: int, first: int
) -> None:
    rows = [(ROW, WINDY)[i % 2] for i in range(first, first + count)]
    kinds = {one["name"]: one["datatype"] for one in request()["inputs"]}
    inputs = [tensor(name, kind, *(row[name] for row in rows)) for name, kind in kinds.items()]
    own = predictor(contract).predict(records(*rows), id="q1", at=AT)
    wanted = json.loads(own.answer.body)["predictions"]
    found = {one["name"]: one for one in told({"inputs": inputs}, contract=contract)["outputs"]}
    if contract.task != "regression":
        assert found["label"]["shape"] == [count]
        assert found["label"]["data"] == [row["label"] for row in wanted]
    numbers = {"binary": "score", "multiclass": "scores", "regression": "value"}[contract.task]
    width = [3] if contract.task == "multiclass" else []
    assert found[numbers]["shape"] == [count, *width]
    plain = [row[numbers] for row in wanted]
    assert found[numbers]["data"] == (
        [one for scores in plain for one in scores.values()] if width else plain
    )


def test_the_matrix_is_the_one_of_our_own_json() -> None:
    body = json.dumps(request(wind=tensor("wind", "FP64", None, 45.0))).encode()
    found = predictor().predict(body, id="q1", at=AT, protocol=OPEN_INFERENCE)
    own = predictor().predict(records({**ROW, "wind": None}, WINDY), id="q1", at=AT)
    assert found.features is not None
    assert own.features is not None
    np.testing.assert_array_equal(as_rows(found.features), as_rows(own.features))


def test_the_data_may_be_nested_as_the_shape_is() -> None:
    nested = {"name": "wind", "shape": [2, 1], "datatype": "FP64", "data": [[12.5], [45]]}
    assert told(request(wind=nested)) == told(request())
    assert told(request(wind={**nested, "data": [12.5, 45]})) == told(request())


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """JSON knows one kind of number, and the datatype says which is meant."""
    assert told(request(boats=tensor("boats", "UINT8", 2.0, 2))) == told(request())


def test_outputs_come_as_asked_and_in_that_order() -> None:
    asked = [{"name": "score"}, {"name": "label", "parameters": {"binary_data": False}}]
    found = told({**request(), "outputs": asked})
    assert [one["name"] for one in found["outputs"]] == ["score", "label"]
    one = told({**request(), "outputs": [{"name": "label"}]})
    assert [one["name"] for one in one["outputs"]] == ["label"]


def test_binary_tensors_follow_the_json_in_its_order() -> None:
    wind, names = struct.pack("<2d", 12.5, 45.0), b"\x05\0\0\0south" * 2
    sized = {
        "wind": {"name": "wind", "shape": [2], "datatype": "FP64"},
        "harbour": {"name": "harbour", "shape": [2], "datatype": "BYTES"},
    }
    sized["wind"]["parameters"] = {"binary_data_size": len(wind)}
    sized["harbour"]["parameters"] = {"binary_data_size": len(names)}
    head = json.dumps({**request(**sized), "parameters": {"binary_data_output": True}}).encode()

    found = send(head + wind + names, inference_header_content_length=str(len(head)))
    assert found["statusCode"] == 200
    assert found["headers"]["content-type"] == "application/octet-stream"
    body = base64.b64decode(found["body"])
    length = int(found["headers"]["inference-header-content-length"])
    label, score = json.loads(body[:length])["outputs"]
    assert label == {
        "name": "label", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 19},
    }  # fmt: skip
    assert score["parameters"] == {"binary_data_size": 16}
    assert body[length:] == b"\x07\0\0\0on time\x04\0\0\0late" + struct.pack("<2d", 0.208333, 0.75)


def test_an_output_decides_for_itself_whether_it_comes_as_bytes() -> None:
    asked = [{"name": "label", "parameters": {"binary_data": False}}, {"name": "score"}]
    content = {**request(), "parameters": {"binary_data_output": True}, "outputs": asked}
    found = send(content)
    body = base64.b64decode(found["body"])
    label, score = json.loads(body[: int(found["headers"]["inference-header-content-length"])])[
        "outputs"
    ]
    assert label["data"] == ["on time", "late"]
    assert "data" not in score


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wind": None}, "input wind: is missing"),
        ({"more": tensor("vvind", "FP64", 1, 2)}, "input vvind: is no column of the contract"),
        ({"features": tensor("features", "FP32", 1, 2)}, "features: is no column of the contract"),
        ({"wind": tensor("wind", "BYTES", "1", "2")}, "input wind: must be a tensor of FP64 or"),
        ({"boats": tensor("boats", "FP64", 1, 2)}, "input boats: must be a tensor of INT64 or"),
        ({"holiday": tensor("holiday", "UINT8", 0, 1)}, "input holiday: must be a tensor of BOOL"),
        ({"wind": tensor("wind", "FP64", 1, 61)}, "row 1, input wind: must be a finite number bet"),
        ({"wind": tensor("wind", "FP64", 1, "2")}, "row 1, input wind: must be a finite number"),
        ({"wind": tensor("wind", "FP64", True, 2)}, "row 0, input wind: must be a finite number"),
        ({"gusts": tensor("gusts", "FP64", 1, None)}, "row 1, input gusts: must not be null"),
        ({"boats": tensor("boats", "INT64", 1.5, 1)}, "row 0, input boats: must be an INT64"),
        ({"boats": tensor("boats", "INT8", 1, 128)}, "row 1, input boats: must be an INT8"),
        ({"boats": tensor("boats", "UINT8", -1, 1)}, "row 0, input boats: must be an UINT8"),
        ({"boats": tensor("boats", "INT64", True, 1)}, "row 0, input boats: must be an INT64"),
        ({"boats": tensor("boats", "INT64", 1, -1)}, "row 1, input boats: must be a whole number"),
        ({"holiday": tensor("holiday", "BOOL", 1, True)}, "row 0, input holiday: must be true or"),
        ({"harbour": tensor("harbour", "BYTES", 1, "x")}, "row 0, input harbour: must be text"),
    ],
)  # fmt: skip
def test_what_breaks_the_contract_is_named_by_row_and_input(changes: Json, told: str) -> None:
    status, error = refused(request(**changes))
    assert status == 422
    assert told in error


def test_the_first_twenty_problems_are_told_of_all() -> None:
    content = {
        "inputs": [
            tensor("wind", "FP64", *[99.0] * 30),
            tensor("gusts", "FP64", *[1.0] * 30),
            tensor("harbour", "BYTES", *["south"] * 30),
            tensor("boats", "INT64", *[1] * 30),
            tensor("holiday", "BOOL", *[True] * 30),
        ]
    }
    status, error = refused(content)
    assert status == 422
    assert error.startswith("30 problem(s): row 0, input wind:")
    assert error.count("must be") == 20


def test_paths_that_a_client_makes_up_are_not_kept() -> None:
    service, body = serving(), json.dumps(request())
    for slashes in range(3 * KNOWN_ROUTES):
        found = answer(service, {**event(body), "rawPath": INFER + "/" * slashes})
        assert found["statusCode"] == 200
    assert len(service._spoken) == KNOWN_ROUTES


WIND = {"name": "wind", "shape": [2], "datatype": "FP64"}


@pytest.mark.parametrize("depth", [100, 990, 1_100, 1_500])
def test_nested_data_are_the_callers_fault(depth: int) -> None:
    nested = request(wind={**WIND, "data": ["here", 1]})
    text = json.dumps(nested).replace('"here"', "[" * depth + "]" * depth)
    assert refused(text.encode())[0] in (400, 422)


def test_all_problems_of_a_request_are_told_at_once() -> None:
    content = request(
        wind=tensor("wind", "FP64", 99.0, 12.5),
        gusts=tensor("gusts", "BYTES", "x", "y"),
        boats=tensor("boats", "INT64", 2, "two"),
        holiday=None,
        other=tensor("other", "FP64", 1, 1),
    )
    status, error = refused(content)
    assert status == 422
    told = [
        "5 problem(s): input gusts: must be a tensor of FP64",
        "input holiday: is missing",
        "input other: is no column",
        "row 0, input wind: must be",
        "row 1, input boats: must be an INT64",
    ]
    found = error.split("; ")
    assert len(found) == len(told)
    assert all(map(str.startswith, found, told))


def test_a_request_of_no_rows_names_an_input_that_it_has() -> None:
    empty = {one["name"]: {**one, "shape": [0], "data": []} for one in request()["inputs"]}
    status, error = refused(request(**empty))
    assert (status, error) == (422, "1 problem(s): input wind: must hold at least one row")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "not JSON"),
        (b"[]", 'the body must be {"inputs"'),
        (b"[" * 5_000, "nested too deeply"),
        (b'{"inputs": [], "inputs": []}', "stands twice"),
        (b'{"inputs": [{"name": "a", "parameters": {"x": 1, "x": 1}}]}', "stands twice"),
        (b"{}", "must have inputs"),
        ({"inputs": {}}, "inputs must be a list of objects"),
        ({"inputs": [1]}, "inputs must be a list of objects"),
        ({"inputs": [{}]}, "must have a name"),
        (request(wind={**WIND, "data": [1]}), "the shape says 2 elements, the data have 1"),
        (request(wind=WIND), "there must be data (a list) or binary_data_size"),
        (request(wind={**WIND, "data": "1"}), "there must be data (a list)"),
        (request(wind={**WIND, "data": [[1], [2]]}), "row 0, input wind: must be a finite"),
        (request(wind={**WIND, "shape": [2, 1], "data": [[1], 2]}), "not nested as the shape"),
        (request(wind={**WIND, "shape": [2, 2], "data": [1] * 4}), "must be [rows] or [rows, 1]"),
        (request(wind={**WIND, "shape": [], "data": []}), "must be [rows] or [rows, 1]"),
        (request(wind={**WIND, "shape": [-1], "data": []}), "must be [rows] or [rows, 1]"),
        (request(wind={**WIND, "shape": [True], "data": [1]}), "must be [rows] or [rows, 1]"),
        (request(wind={**WIND, "shape": 2, "data": [1, 2]}), "must be [rows] or [rows, 1]"),
        (request(wind=tensor("wind", "FP64", 1)), "as many rows as the first"),
        (request(wind=tensor("wind", "FP8", 1, 2)), "the datatype must be one of BOOL"),
        (request(wind=tensor("wind", "FP64", 1, 2, content="x")), "member 'content' is not known"),
        (request(more=tensor("wind", "FP64", 1, 2)), "input 'wind' stands twice"),
        ({**request(), "extra": 1}, "the member 'extra' is not known"),
        ({**request(), "id": 7}, "the id must be text"),
        ({**request(), "id": "x" * 1001}, "the id must be text of at most 1000"),
        ({**request(), "model_name": "iris"}, "names another model"),
        ({**request(), "parameters": {"sequence_id": 1}}, "parameter 'sequence_id' is not known"),
        ({**request(), "parameters": {"content_type": "base64"}}, "content_type must be one of"),
        ({**request(), "parameters": {"binary_data_output": 1}}, "must be true or false"),
        ({**request(), "parameters": []}, "the parameters must be an object"),
        ({**request(), "outputs": [{"name": "value"}]}, "is none of the model's: label, score"),
        ({**request(), "outputs": [{"name": "score"}] * 2}, "asked for twice"),
        ({**request(), "outputs": [{"name": "score", "parameters": {"classification": 1}}]},
         "parameter 'classification' is not known"),
        (json.dumps(request()).replace("45.0", "NaN").encode(), "row 1, input wind"),
        (json.dumps(request()).replace("45.0", "1e999").encode(), "row 1, input wind"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_request_is_told(content: Json | bytes, told: str) -> None:
    status, error = refused(content)
    assert status in (400, 422)
    assert told in error


def sized(size: Any, **more: Any) -> Json:
    return request(wind={**WIND, "parameters": {"binary_data_size": size}, **more})


@pytest.mark.parametrize(
    ("content", "tail", "told"),
    [
        (sized(16), b"", "16 bytes are announced and 0 are left"),
        (sized(15), b"0" * 15, "2 elements of FP64 are 16 bytes, not 15"),
        (sized(8), b"0" * 8, "2 elements of FP64 are 16 bytes, not 8"),
        (sized(16), b"0" * 17, "1 byte(s) after the JSON belong to no input"),
        (sized(16, data=[1, 2]), b"0" * 16, "not both"),
        (sized(-1), b"", "must be a number of bytes"),
        (sized(True), b"", "must be a number of bytes"),
        (sized(None, data=[1, 2]), b"", "must be a number of bytes"),
        (request(), b"rest", "4 byte(s) after the JSON belong to no input"),
    ],
)
def test_bytes_and_sizes_must_agree(content: Json, tail: bytes, told: str) -> None:
    head = json.dumps(content).encode()
    status, error = refused(head + tail, inference_header_content_length=str(len(head)))
    assert status == 400
    assert told in error


@pytest.mark.parametrize("length", ["0", "-1", "x", "", "99999", "9" * 5000, "1.0", "²"])
def test_the_length_of_the_json_must_be_one(length: str) -> None:
    status, error = refused(request(), inference_header_content_length=length)
    assert status == 400
    assert "must be the length of the JSON" in error


def test_more_rows_than_the_contract_allows_are_too_many() -> None:
    wind = {"name": "wind", "shape": [51], "datatype": "FP64", "data": []}
    assert refused(request(wind=wind)) == (413, "at most 50 rows are taken, not 51")


def test_no_row_is_too_few() -> None:
    empty = {one["name"]: {**one, "shape": [0], "data": []} for one in request()["inputs"]}
    status, error = refused(request(**empty))
    assert (status, "at least one row" in error) == (422, True)


@pytest.mark.parametrize(
    "path",
    [
        f"{BASE}/models/iris/infer",
        f"{BASE}/models/ferry-delay/versions/2/infer",
        f"{BASE}/models/ferry-delay/explain",
        f"{BASE}/models/ferry-delay",
        f"{BASE}/health/live",
        f"{BASE}/repository/index",
        "/models/iris/v2/models/iris/infer",
    ],
)
def test_other_paths_are_not_found(path: str) -> None:
    assert refused(request(), path=path)[0] == 404


def test_the_served_version_may_be_named() -> None:
    assert told(request(), path=f"{BASE}/models/ferry-delay/versions/3/infer") == told(request())


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [
        ("/health/live", 200, {"live": True}),
        ("/health/ready", 200, {"ready": True}),
        ("/models/ferry-delay/ready", 200, {"name": "ferry-delay", "ready": True}),
        ("/models/ferry-delay/versions/3/ready", 200, {"name": "ferry-delay", "ready": True}),
        ("", 200, {"name": "tidegate", "version": "r-3", "extensions": ["binary_tensor_data"]}),
        ("/", 200, {"name": "tidegate", "version": "r-3", "extensions": ["binary_tensor_data"]}),
        ("/models/ferry-delay/versions/4/ready", 404, None),
        ("/models/ferry-delay/versions/4", 404, None),
        ("/models/iris", 404, None),
        ("/models/ferry-delay/infer", 404, None),
        ("/models", 404, None),
    ],
)
def test_reading_paths(path: str, status: int, content: Json | None) -> None:
    found, body = get(path)
    assert found == status
    assert content is None or body == content


def test_metadata_name_every_tensor() -> None:
    found = answer(
        serving(MULTICLASS), {**event(method="GET"), "rawPath": f"{BASE}/models/ferry-delay"}
    )
    assert json.loads(found["body"]) == {
        "name": "ferry-delay",
        "versions": ["3"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "wind", "datatype": "FP64", "shape": [-1]},
            {"name": "gusts", "datatype": "FP64", "shape": [-1]},
            {"name": "harbour", "datatype": "BYTES", "shape": [-1]},
            {"name": "boats", "datatype": "INT64", "shape": [-1]},
            {"name": "holiday", "datatype": "BOOL", "shape": [-1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {
                "name": "scores",
                "datatype": "FP64",
                "shape": [-1, 3],
                "parameters": {"classes": ["tide", "fog", "crew"]},
            },
        ],
    }


def test_before_any_release_the_server_lives_and_is_not_ready() -> None:
    assert get("/health/live", unreleased()) == (200, {"live": True})
    assert get("", unreleased())[0] == 200
    for path in ("/health/ready", "/models/ferry-delay/ready", "/models/ferry-delay"):
        assert get(path, unreleased()) == (503, {"error": "no version has been released yet"})


def test_a_row_without_finite_answer_is_refused_in_this_form() -> None:
    def score(features: Matrix) -> Matrix:
        return np.full((len(features), 2), np.nan, dtype=np.float32)

    body = json.dumps(request()).encode()
    found = predictor(score=score).predict(body, id="q1", at=AT, protocol=OPEN_INFERENCE)
    assert found.answer.status == 422
    error = json.loads(found.answer.body)["error"]
    assert error.startswith("2 problem(s): row 0")
    assert found.invalid == 2


def test_what_went_wrong_inside_is_not_told() -> None:
    found = refusal(PackageError("/var/task/model.onnx is broken"))
    assert (found.status, json.loads(found.body)) == (
        500,
        {"error": "the request could not be answered"},
    )
    assert json.loads(failure().body) == json.loads(found.body)


@pytest.mark.parametrize(
    ("event", "is_text"),
    [
        ({"rawPath": INFER}, True),
        ({"rawPath": BASE}, True),
        ({"rawPath": "/models/ferry-delay/predict"}, False),
        ({"rawPath": 3}, False),
        ([], False),
    ],
)
def test_errors_have_the_form_of_the_path(event: Any, is_text: bool) -> None:
    for found in (refusal_to(event, PackageError("x")), failure_to(event)):
        assert isinstance(json.loads(found.body)["error"], str) is is_text
