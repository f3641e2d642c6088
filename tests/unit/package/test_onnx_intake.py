"""Intake O1, O2, O3, O5, O6: a model is refused by what its bytes say, before anything loads it."""

from __future__ import annotations

import pickle
import time
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.fakes.onnx_models import (
    CONTRACT,
    WEIGHTS,
    chain,
    endless_loop,
    linear,
    model_of,
    value,
)
from tidegate.errors import IntakeError
from tidegate.package.intake import inspect_model
from tidegate.package.operators import ALLOWED

GOOD = linear().SerializeToString()


def refused(model: onnx.ModelProto | bytes, match: str) -> None:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(IntakeError, match=match):
        inspect_model(data, CONTRACT)


def test_a_canonical_model_is_taken() -> None:
    inspect_model(GOOD, CONTRACT)


def external(tensor: onnx.TensorProto, location: str) -> onnx.TensorProto:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


@pytest.mark.parametrize("location", ["../../etc/passwd", "a/b/weights.bin", "/etc/passwd", ""])
def test_external_weights_are_refused(location: str) -> None:
    model = linear()
    external(model.graph.initializer[0], location)

    refused(model, "tensor 'weights': external data is refused")


def test_an_external_flag_without_a_place_is_refused_and_so_is_a_place_without_a_flag() -> None:
    flag, place = linear(), linear()
    flag.graph.initializer[0].data_location = TensorProto.EXTERNAL
    place.graph.initializer[0].external_data.add().key = "location"

    refused(flag, "external data")
    refused(place, "external data")


def test_external_data_in_an_attribute_is_refused() -> None:
    tensor = external(numpy_helper.from_array(WEIGHTS, "hidden"), "../x")
    constant = helper.make_node("Constant", [], ["weights"], value=tensor)
    product = helper.make_node("MatMul", ["features", "weights"], ["scores"])

    refused(model_of([constant, product]), "tensor 'hidden': external data")


def test_external_data_in_a_sparse_tensor_is_refused() -> None:
    model = linear()
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(external(numpy_helper.from_array(WEIGHTS, "hidden"), "../x"))

    refused(model, "tensor 'hidden': external data")


@pytest.mark.parametrize("operator", ["Loop", "Scan", "If", "RandomNormal", "ZipMap", "Foo"])
def test_an_operator_off_the_list_is_named(operator: str) -> None:
    refused(chain((operator, {})), rf"operator '{operator}' of domain 'ai.onnx' \(node 1\)")


def test_the_endless_loop_is_refused_though_the_checker_passes_it() -> None:
    onnx.checker.check_model(endless_loop())

    refused(endless_loop(), "operator 'Loop'")


def test_a_graph_inside_an_allowed_operator_is_refused() -> None:
    inner = linear().graph

    refused(chain(("Identity", {"body": inner})), "'Identity'.*holds a graph")
    refused(chain(("Identity", {"bodies": [inner]})), "'Identity'.*holds a graph")


@pytest.mark.parametrize("domain", ["com.microsoft", "my.domain", "ai.onnx.preview.training"])
def test_an_operator_of_another_domain_is_named(domain: str) -> None:
    refused(chain(("Identity", {"domain": domain})), f"'Identity' of domain '{domain}'")


def test_the_default_domain_has_two_names() -> None:
    inspect_model(chain(("Identity", {"domain": "ai.onnx"})).SerializeToString(), CONTRACT)


def test_model_local_functions_are_refused() -> None:
    model = linear()
    model.functions.add().name = "Exp"

    refused(model, "model-local functions are refused")


def with_dims(*dims: int) -> onnx.ModelProto:
    model = linear()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)
    return model


@pytest.mark.parametrize("dims", [(3, 1), (2**62, 2**62), (), (2, 1, 0)])
def test_a_shape_that_lies_about_its_data_is_refused(dims: tuple[int, ...]) -> None:
    refused(with_dims(*dims), "tensor 'weights': its shape says")


@pytest.mark.parametrize("dims", [(-2, -1), (1,) * 9])
def test_negative_and_endless_dimensions_are_refused(dims: tuple[int, ...]) -> None:
    refused(with_dims(*dims), "none negative")


def test_a_huge_sparse_tensor_is_refused() -> None:
    model = linear()
    model.graph.sparse_initializer.add().dims.extend([2**40])

    refused(model, "sparse tensor of more than")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty file"),
        (pickle.dumps({"a": 1}), "looks like a pickle"),
        (b"PK\x03\x04rest", "looks like a zip"),
        (b"<!doctype html><p>404", "looks like HTML"),
        (b'{"a": 1}', "looks like JSON"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x00" * 100, "not an ONNX file"),
        (b"hello, world", "not an ONNX file"),
        (GOOD[:-20], "not an ONNX file, or cut off"),
        (GOOD + GOOD, "given twice"),
    ],
    ids=["empty", "pickle", "zip", "html", "json", "lfs", "zeros", "text", "cut", "doubled"],
)
def test_what_is_no_model_is_refused(data: bytes, expected: str) -> None:
    refused(data, expected)


def test_a_domain_imported_twice_in_one_version_is_taken() -> None:
    model = linear()
    model.opset_import.add().version = 18

    inspect_model(model.SerializeToString(), CONTRACT)


def test_other_versions_are_refused() -> None:
    old, new, twice = linear(), linear(), linear()
    old.ir_version = 2
    new.opset_import[0].version = 99
    twice.opset_import.add().version = 17

    refused(old, "IR version 2 is refused: 3 to 13")
    refused(new, "opset 99 of ai.onnx is refused: 9 to 26")
    refused(twice, "imported in two versions")


PRODUCT = helper.make_node("MatMul", ["features", "weights"], ["scores"])
INIT = [numpy_helper.from_array(WEIGHTS, "weights")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inputs": [value("x", 2)]}, r"input 'features' alone is expected, not \['x'\]"),
        ({"inputs": [value("features", 2), value("x", 1)]}, "'features', 'x'"),
        ({"inputs": [value("features", 3)]}, "2 columns are expected by the contract, not 3"),
        ({"inputs": [value("features", 2, kind=11)]}, "float32 .type 1. is expected, not type 11"),
        ({"inputs": [value("features", 2, rows=1)]}, "any number of rows is expected, not 1"),
        ({"outputs": [value("label", 1)]}, r"output 'scores' alone is expected, not \['label'\]"),
        ({"outputs": [value("scores", 2)]}, "1 columns are expected by the contract, not 2"),
        ({"outputs": [value("scores", 1, kind=7)]}, "not type 7"),
        (
            {"outputs": [helper.make_tensor_value_info("scores", 1, [None])]},
            "2 dimensions are expected, not 1",
        ),
        (
            {"outputs": [helper.make_tensor_value_info("scores", 1, None)]},
            "none is declared",
        ),
        (
            {"outputs": [helper.make_tensor_value_info("scores", 1, [None, "k"])]},
            "not an open number",
        ),
        (
            {"outputs": [helper.make_tensor_sequence_value_info("scores", 1, [None, 1])]},
            "a tensor is expected",
        ),
    ],
)
def test_another_schema_than_the_contract_is_named(change: dict[str, Any], expected: str) -> None:
    refused(model_of([PRODUCT], initializers=INIT, **change), expected)


def test_a_default_value_for_the_input_is_refused() -> None:
    hidden = numpy_helper.from_array(np.ones((1, 2), dtype=np.float32), "features")

    refused(model_of([PRODUCT], initializers=[*INIT, hidden]), "would hide the request")


@given(st.binary(max_size=300))
@example(b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_refused_by_one_error(data: bytes) -> None:
    with pytest.raises(IntakeError):
        inspect_model(data, CONTRACT)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_any_changed_byte_is_taken_or_refused_by_one_error(place: int, change: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= change
    with suppress(IntakeError):
        inspect_model(bytes(data), CONTRACT)


def test_a_tree_of_a_million_numbers_is_read_in_time() -> None:
    count = 300_000
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor",
            ["features"],
            ["scores"],
            domain="ai.onnx.ml",
            nodes_values=np.linspace(0, 1, count).tolist(),
            nodes_nodeids=list(range(count)),
            nodes_treeids=[2**40] * count,
        )
    ]
    data = model_of(nodes).SerializeToString()

    start = time.process_time()
    inspect_model(data, CONTRACT)

    assert time.process_time() - start < 1.0


def test_every_listed_operator_exists_in_onnx() -> None:
    known = {(schema.domain, schema.name) for schema in onnx.defs.get_all_schemas()}
    listed = {(domain, name) for domain, names in ALLOWED.items() for name in names}

    assert listed <= known


def test_no_listed_operator_holds_a_graph_or_draws_at_random() -> None:
    schemas = [
        onnx.defs.get_schema(name, domain=domain)
        for domain, names in ALLOWED.items()
        for name in names
    ]
    attributes = [a for schema in schemas for a in schema.attributes.values()]

    assert not [a for a in attributes if "GRAPH" in a.type.name or a.name == "seed"]
