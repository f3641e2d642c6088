"""Tensors as bytes: what is written is read back, and any other bytes are refused."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.fakes.served import CONTRACT, SERVED, as_rows
from tidegate.contract import Column, Contract, Target
from tidegate.encoding.encoder import Encoder
from tidegate.errors import InvalidRowsError, PayloadTooLargeError, RequestError
from tidegate.serving.protocols.framing import read_request
from tidegate.serving.protocols.open_inference import HEADER_LENGTH, OpenInferenceProtocol
from tidegate.serving.protocols.tensors import DTYPES, Tensor, datatypes, to_bytes, values

ANY = Column("x", "float", nullable=True)
NUMBERS = {name: dtype for name, dtype in DTYPES.items() if name != "BOOL"}
TEXTS = Column("x", "category", categories=("a", "b"), unknown="map", nullable=True)


def as_bytes(datatype: str, rows: int, data: bytes) -> Tensor:
    return Tensor("x", datatype, rows, memoryview(data))


@given(st.sampled_from(sorted(NUMBERS)).flatmap(
    lambda name: st.tuples(st.just(name), arrays.arrays(NUMBERS[name], st.integers(0, 20)))
))  # fmt: skip
def test_numbers_are_read_as_numpy_wrote_them(case: tuple[str, Any]) -> None:
    name, array = case
    found, problems = values(as_bytes(name, len(array), array.tobytes()), ANY)
    assert problems == []
    np.testing.assert_array_equal(found, array)


@given(st.lists(st.text(max_size=10), max_size=20))
def test_texts_are_read_as_they_were_written(texts: list[str]) -> None:
    column = Column("x", "category", categories=("a", "b"))
    found, problems = values(as_bytes("BYTES", len(texts), to_bytes(texts)), column)
    assert (found, problems) == (texts, [])


@pytest.mark.parametrize("sent", ["json", "bytes"])
def test_an_empty_text_is_null_where_the_column_takes_null(sent: str) -> None:
    data: Any = ["a", ""] if sent == "json" else memoryview(to_bytes(["a", ""]))
    tensor = Tensor("x", "BYTES", 2, data)
    assert values(tensor, TEXTS)[0] == ["a", None]
    plain = Column("x", "category", categories=("a", "b"))
    listed = Column("x", "category", categories=("a", ""), nullable=True)
    assert values(tensor, plain)[0] == ["a", ""]
    assert values(tensor, listed)[0] == ["a", ""]


def test_null_in_a_column_of_integers_is_nan_in_a_floating_tensor() -> None:
    column = Column("x", "integer", nullable=True)
    data = np.array([3.0, np.nan, 2.5, np.inf]).tobytes()
    assert "FP64" in datatypes(column)
    assert values(as_bytes("FP64", 4, data), column)[0] == [3, None, 2.5, float("inf")]
    assert "FP64" not in datatypes(Column("x", "integer"))


def test_nan_is_no_null_where_the_column_takes_none() -> None:
    column = Column("x", "float")
    found, _ = values(as_bytes("FP64", 1, np.array([np.nan]).tobytes()), column)
    assert np.isnan(found[0])


@pytest.mark.parametrize(("datatype", "bound"), [("FP32", 0.1), ("FP16", 0.3), ("FP32", -0.3)])
def test_a_bound_may_be_sent_in_few_bits(datatype: str, bound: float) -> None:
    column = Column("x", "float", minimum=bound - 1, maximum=bound)
    encoder = Encoder(Contract("m", "binary", (column,), Target("t", ("no", "yes"))))
    sent = np.array([bound, bound - 1, bound - 0.5], DTYPES[datatype])
    found, _ = values(as_bytes(datatype, 3, sent.tobytes()), column)
    matrix = encoder.tensors({"x": found})
    np.testing.assert_array_equal(matrix[:, 0], np.float32([bound, bound - 1, sent[2]]))
    beyond = np.nextafter(sent[:1], sent.dtype.type(2))
    found, _ = values(as_bytes(datatype, 1, beyond.tobytes()), column)
    with pytest.raises(InvalidRowsError):
        encoder.tensors({"x": found})


def test_a_half_in_json_has_the_range_of_its_datatype() -> None:
    data = [65519, 65520.0, -1e30, 1e-30, None, "1", True]
    found, problems = values(Tensor("x", "FP16", len(data), data), ANY)
    assert found == data
    assert [(one.row, one.rule) for one in problems] == [(n, "must be an FP16") for n in (1, 2)]


def test_a_boolean_is_the_byte_zero_or_one() -> None:
    column = Column("x", "boolean")
    assert values(as_bytes("BOOL", 2, b"\x00\x01"), column)[0].tolist() == [False, True]
    _, (problem,) = values(as_bytes("BOOL", 2, b"\x00\x02"), column)
    assert (problem.row, problem.rule) == (1, "must be the byte 0 or 1")


def test_text_that_is_no_utf8_is_named_by_its_row() -> None:
    data = to_bytes(["a"]) + struct.pack("<I", 1) + b"\xff"
    _, (problem,) = values(as_bytes("BYTES", 2, data), TEXTS)
    assert (problem.row, problem.column, problem.rule) == (1, "x", "must be UTF-8 text")


@pytest.mark.parametrize(
    ("rows", "data"),
    [
        (1, b""),
        (1, b"\x01\0\0"),
        (1, b"\x02\0\0\0a"),
        (1, b"\xff\xff\xff\xffa"),
        (1, to_bytes(["a", "b"])),
        (2, to_bytes(["a"])),
        (1, to_bytes(["a"]) + b"\0"),
        (0, b"\0"),
    ],
)
def test_texts_must_fill_their_bytes_exactly(rows: int, data: bytes) -> None:
    with pytest.raises(RequestError, match=f"the bytes are not {rows} texts"):
        values(as_bytes("BYTES", rows, data), TEXTS)


def test_floats_are_written_as_little_endian_doubles() -> None:
    assert to_bytes(np.array([1.0, 0.1])) == struct.pack("<2d", 1.0, 0.1)


PROTOCOL = OpenInferenceProtocol(CONTRACT, Encoder(CONTRACT), SERVED)
NAMED = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([*CONTRACT.column_names, "x"]) | st.text(max_size=3),
        "shape": st.lists(st.integers(-1, 3) | st.booleans(), max_size=3),
        "datatype": st.sampled_from([*DTYPES, "BYTES", "FP8"]),
        "parameters": st.dictionaries(
            st.sampled_from(["binary_data_size", "content_type", "x"]),
            st.integers(-1, 24) | st.just("np"),
            max_size=2,
        ),
        "data": st.lists(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([1]),
            max_size=3,
        ),
    },
)


@given(st.lists(NAMED, max_size=6), st.binary(max_size=40), st.integers(-2, 2))
def test_any_frame_is_read_or_refused(inputs: list[Any], tail: bytes, off: int) -> None:
    head = json.dumps({"inputs": inputs}).encode()
    refuses_or_reads(head + tail, {HEADER_LENGTH: str(len(head) + off)})


@given(st.binary(max_size=100), st.none() | st.text(max_size=5))
def test_any_bytes_are_read_or_refused(body: bytes, length: str | None) -> None:
    refuses_or_reads(body, {} if length is None else {HEADER_LENGTH: length})


def refuses_or_reads(body: bytes, headers: dict[str, str]) -> None:
    """Read a body; what is refused must be refused as the caller's fault."""
    with suppress(RequestError):
        features = as_rows(PROTOCOL.read(body, headers).features)
        assert features.shape[1] == len(CONTRACT.columns)
        assert features.dtype == np.float32


def test_the_rows_of_a_shape_are_bounded_before_its_data_are_read() -> None:
    one = {"name": "wind", "shape": [10**18], "datatype": "FP64", "data": []}
    with pytest.raises(PayloadTooLargeError, match="at most 50 rows"):
        read_request({"inputs": [one]}, memoryview(b""), doubt="", contract=CONTRACT)


COLUMNS = {
    "wind": st.none() | st.floats(0, 60),
    "gusts": st.floats(-(2.0**90), 2.0**90, width=32),
    "harbour": st.sampled_from(["north", "south", "elsewhere"]),
    "boats": st.integers(0, 1000),
    "holiday": st.booleans(),
}
TYPES = dict(zip(COLUMNS, ("FP64", "FP32", "BYTES", "INT64", "BOOL"), strict=True))


@given(st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=8))
def test_json_bytes_and_records_make_one_matrix(rows: list[dict[str, Any]]) -> None:
    lists = {name: [row[name] for row in rows] for name in COLUMNS}
    plain = {"inputs": [
        {"name": n, "shape": [len(rows)], "datatype": TYPES[n], "data": data}
        for n, data in lists.items()
    ]}  # fmt: skip
    parts = [packed(TYPES[name], data) for name, data in lists.items()]
    framed = {"inputs": [
        {"name": n, "shape": [len(rows), 1], "datatype": TYPES[n],
         "parameters": {"binary_data_size": len(part)}}
        for n, part in zip(COLUMNS, parts, strict=True)
    ]}  # fmt: skip
    head = json.dumps(framed).encode()
    expected = Encoder(CONTRACT).records(rows)
    as_json = PROTOCOL.read(json.dumps(plain).encode(), {}).features
    as_binary = PROTOCOL.read(b"".join([head, *parts]), {HEADER_LENGTH: str(len(head))}).features
    np.testing.assert_array_equal(as_rows(as_json), expected)
    np.testing.assert_array_equal(as_rows(as_binary), expected)


def packed(datatype: str, data: list[Any]) -> bytes:
    if datatype == "BYTES":
        return to_bytes(data)
    return np.array(data, dtype=np.float64 if None in data else DTYPES[datatype]).tobytes()
