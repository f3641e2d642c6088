"""Infer requests of the usual form: what is read in few steps is what a close look reads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.served import CONTRACT, MULTICLASS, REGRESSION, SERVED, as_rows
from tidegate.contract import Contract
from tidegate.encoding.encoder import Encoder
from tidegate.errors import RequestError
from tidegate.scoring.reading import Read
from tidegate.serving.protocols.lengths import LONG
from tidegate.serving.protocols.open_inference import OpenInferenceProtocol, output_forms
from tidegate.serving.protocols.plain_request import PlainRequests
from tidegate.serving.served import Served

PROTOCOL = OpenInferenceProtocol(CONTRACT, Encoder(CONTRACT), SERVED)
CLOSE = OpenInferenceProtocol(CONTRACT, Encoder(CONTRACT), SERVED)
CLOSE._plain.read = lambda _: None  # type: ignore[method-assign, assignment]

SOUND: dict[str, tuple[str, list[Any]]] = {
    "wind": ("FP64", [None, 3]),
    "gusts": ("FP32", [1, 2.5]),
    "harbour": ("BYTES", ["north", "x"]),
    "boats": ("INT64", [0, 9]),
    "holiday": ("BOOL", [True, False]),
}
VALUES = st.sampled_from(
    [None, True, False, 0, 1, 2.5, 3.0, -1, 300, 2**60, 2**63, "", "north", "x:y", [1]]
)
CHANGES = {
    "name": st.sampled_from([*SOUND, "other", 1]),
    "datatype": st.sampled_from(["FP64", "FP32", "INT64", "INT8", "UINT8", "BOOL", "BYTES", "FP8"]),
    "shape": st.sampled_from([[2, 1], [1], [True], [2.0], [2, 2], [], "2", 2, None]),
    "data": st.lists(VALUES, max_size=3) | st.sampled_from(["ab", {"a": 1, "b": 2}]),
    "parameters": st.sampled_from([{}, {"x": 1}]),
}
CHANGE = st.one_of(
    *(st.tuples(st.integers(0, 4), st.just(member), to) for member, to in CHANGES.items())
)


def inputs() -> list[dict[str, Any]]:
    return [
        {"name": name, "datatype": kind, "shape": [2], "data": data}
        for name, (kind, data) in SOUND.items()
    ]


def plain(contract: Contract = CONTRACT) -> PlainRequests:
    return PlainRequests(contract, Encoder(contract))


def read(protocol: OpenInferenceProtocol, body: bytes) -> tuple[str, object]:
    """Return the matrix's bytes, or the refusal's."""
    try:
        return "read", as_rows(protocol.read(body, {}).features).tobytes()
    except RequestError as error:
        return type(error).__name__, (str(error), getattr(error, "problems", ()))


@given(
    st.permutations(range(5)) | st.just(list(range(5))),
    st.lists(CHANGE, max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_few_steps_read_and_refuse_as_a_close_look_does(
    order: list[int], changes: list[tuple[int, str, Any]], twice: bool, long: bool
) -> None:
    found = inputs()
    for place, member, to in changes:
        found[place] = {**found[place], member: to}
    body = json.dumps({"inputs": [found[place] for place in order]}).encode()
    if twice:
        body = body.replace(b'"shape": [2]', b'"shape": [2], "shape": [3]', 1)
    if long:
        body += b" " * LONG

    fresh = OpenInferenceProtocol(CONTRACT, Encoder(CONTRACT), SERVED)
    for protocol in (fresh, PROTOCOL):  # the latter has seen clients with an order of their own
        assert read(protocol, body) == read(CLOSE, body)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_usual_requests_are_read_in_few_steps(shape: list[int]) -> None:
    usual = [{**one, "shape": shape} for one in inputs()]
    for found in (usual, usual[::-1]):
        body = json.dumps({"inputs": found}).encode()
        short, long = plain().read(body), plain().read(body + b" " * LONG)
        assert short is not None
        assert long is not None
        assert as_rows(short).tobytes() == as_rows(long).tobytes()


def test_tensors_in_the_contracts_order_are_read_into_its_types() -> None:
    reader = plain()
    assert reader._typed is not None
    assert reader._typed.read(json.dumps({"inputs": inputs()}).encode()) is not None

    reader.read(
        json.dumps({"inputs": [{**inputs()[0], "data": ["no", 1]}, *inputs()[1:]]}).encode()
    )
    assert reader._typed is not None  # nobody read that


def test_after_a_client_with_another_order_nobody_tries_the_contracts() -> None:
    reader = plain()
    body = json.dumps({"inputs": inputs()[::-1]}).encode()

    assert reader.read(body) == reader.read(body) is not None
    assert reader._typed is None


@pytest.mark.parametrize("padding", [b"", b" " * LONG])
@pytest.mark.parametrize(
    ("usual", "changed"),
    [
        ('"shape": [2]', '"shape": [3], "shape": [2]'),
        ('"inputs"', '"id": "a", "inputs"'),
        ('"INT64", "shape": [2], "data": [0, 9]', '"INT8", "shape": [2], "data": [0, 300]'),
    ],
)
def test_a_twist_is_left_to_the_close_look(usual: str, changed: str, padding: bytes) -> None:
    text = json.dumps({"inputs": inputs()})
    assert usual in text

    into_types, in_any_order = plain(), plain()
    in_any_order._typed = None
    for reader in (into_types, in_any_order):
        assert reader.read(text.encode() + padding) is not None
        assert reader.read(text.replace(usual, changed, 1).encode() + padding) is None


def test_a_bracket_in_a_text_is_no_array() -> None:
    found = inputs()
    found[2]["data"] = ["[0, 5)", "north"]
    text = json.dumps({"inputs": found})

    for padding in ("", " " * LONG):
        features = plain().read((text + padding).encode())
        assert features is not None
        assert as_rows(features)[:, 2].tolist() == [2.0, 0.0]


def test_of_a_nullable_category_each_text_is_looked_at() -> None:
    columns = tuple(replace(c, nullable=c.name == "harbour") for c in CONTRACT.columns)
    reader = plain(replace(CONTRACT, columns=columns))
    found = [
        {**one, "data": ["north", ""] if one["name"] == "harbour" else one["data"]}
        for one in inputs()
    ]
    assert reader.read(json.dumps({"inputs": found}).encode()) is None


@pytest.mark.parametrize("padding", [b"", b" " * LONG])
@pytest.mark.parametrize("shape", [[2.0], [2.0, True]])
def test_numbers_of_rows_are_whole_numbers(shape: list[Any], padding: bytes) -> None:
    found = [{**one, "shape": shape} for one in inputs()]
    assert plain().read(json.dumps({"inputs": found}).encode() + padding) is None


@pytest.mark.parametrize("body", [b"", b"[]", b'"inputs"', b"{}", b'{"inputs": 1}', b"\xff"])
def test_what_is_no_request_is_left_to_the_close_look(body: bytes) -> None:
    assert plain().read(body) is plain().read(body + b" " * LONG) is None


@pytest.mark.parametrize("contract", [CONTRACT, MULTICLASS, REGRESSION], ids=lambda one: one.task)
def test_a_usual_answer_is_what_is_written_for_somebody_who_names_its_outputs(
    contract: Contract,
) -> None:
    served = Served("ferry-delay", 3, "r-100%s")
    protocol = OpenInferenceProtocol(contract, Encoder(contract), served)
    named = [{"name": form.name} for form in output_forms(contract)]
    places = [] if contract.task == "regression" else [0, 1]
    shown = [0.25, 1.0] * (3 if contract.task == "multiclass" else 1)
    found = Read(places, shown, [0.25, 1.0])
    answers = [
        protocol.read(json.dumps(content).encode(), {}).write(found, orjson.dumps(shown), b"a.b")
        for content in ({"inputs": inputs()}, {"inputs": inputs(), "outputs": named})
    ]

    assert answers[0] == answers[1]
    assert json.loads(answers[0].body)["parameters"]["release"] == "r-100%s"


def test_more_rows_than_the_contract_takes_are_left_to_the_close_look() -> None:
    small = replace(CONTRACT, max_rows=1)
    body = json.dumps({"inputs": inputs()}).encode()

    assert plain(small).read(body) is None


def test_the_forms_that_are_remembered_are_bounded() -> None:
    reader = plain()
    for kinds in range(3**3):
        found = inputs()
        for place, one in enumerate((found[0], found[1], found[3])):
            one["datatype"] = ("INT64", "INT32", "INT16")[kinds // 3**place % 3]
        reader.read(json.dumps({"inputs": found}).encode())

    assert len(reader._forms) == 16
