"""ONNX intake before anything is loaded: parse -> versions -> graph -> nodes and tensors -> schema.

An allow-list: a model is refused unless each operator is listed, all data are in the file, and its
one input and one output are those of the contract. Only the standard library reads the bytes, with
no recursion, so no file can hang or crash the reader. What a model does when it runs is bounded by
`tidegate.package.bounded`.
"""

from __future__ import annotations

from tidegate.contract import FEATURES_INPUT, SCORES_OUTPUT, Contract
from tidegate.errors import IntakeError
from tidegate.package.operators import IR_VERSIONS, ML_DOMAIN, OPSETS, canonical_domain, is_allowed
from tidegate.package.tensors import FLOAT, check_sparse_tensor, check_tensor
from tidegate.package.wire import (
    Value,
    collect,
    collect_past,
    messages,
    one_message,
    one_number,
    one_text,
    repeated_scalars,
)

MAX_MODEL_BYTES = 500_000_000  # an endpoint's /tmp holds 512 MiB
MAX_NODES = 50_000

# ModelProto
IR_VERSION, GRAPH, OPSET_IMPORT, TRAINING_INFO, FUNCTIONS = 1, 7, 8, 20, 25
# GraphProto
NODE, INITIALIZER, INPUT, OUTPUT, SPARSE_INITIALIZER = 1, 5, 11, 12, 15
# NodeProto
NODE_NAME, OPERATOR, ATTRIBUTE, NODE_DOMAIN = 3, 4, 5, 7
# AttributeProto
ATTRIBUTE_NAME, TENSOR, SUBGRAPH, TENSORS, SUBGRAPHS, SPARSE, SPARSES = 1, 5, 6, 10, 11, 22, 23
SKIP_SCALARS = repeated_scalars(floats=7, ints=8)
# ValueInfoProto, TypeProto, TypeProto.Tensor, TensorShapeProto, Dimension
VALUE_NAME, VALUE_TYPE, TENSOR_TYPE, DENOTATION = 1, 2, 1, 6
ELEMENT, SHAPE, DIM, DIM_VALUE = 1, 2, 1, 1

_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x1f\x8b", "a gzip file"),
    (b"<", "HTML or XML"),
    (b"{", "JSON"),
    (b"version https://git-lfs", "a Git LFS pointer"),
)


def inspect_model(model: bytes, contract: Contract) -> None:
    """Raise `IntakeError` unless the model is canonical, whole and of allowed operators."""
    if not model:
        raise IntakeError("the model is an empty file")
    check_size(model)
    for start, name in _OTHER_FORMATS:
        if model.startswith(start):
            raise IntakeError(f"not an ONNX file: it looks like {name}")
    found = collect(memoryview(model))
    _check_versions(found)
    graph = one_message(found, GRAPH)
    if graph is None:
        raise IntakeError("not an ONNX file: it holds no graph")
    _check_graph(collect(graph), contract)


def check_size(model: bytes) -> None:
    """Raise `IntakeError` when a model is larger than any endpoint can take."""
    if len(model) > MAX_MODEL_BYTES:
        raise IntakeError(
            f"the model has {len(model):,} bytes; at most {MAX_MODEL_BYTES:,} fit into the"
            " /tmp of an endpoint: train a smaller one (fewer or shallower trees)"
        )


def _check_versions(model: dict[int, list[Value]]) -> None:
    version = one_number(model, IR_VERSION)
    if version not in IR_VERSIONS:
        raise IntakeError(f"IR version {version} is refused: {_span(IR_VERSIONS)} is expected")
    if FUNCTIONS in model:
        raise IntakeError("model-local functions are refused: inline them (onnx.inliner)")
    if TRAINING_INFO in model:
        raise IntakeError("training information is refused")
    seen: dict[str, int] = {}
    for message in messages(model, OPSET_IMPORT):
        entry = collect(message)
        domain, opset = canonical_domain(one_text(entry, 1)), one_number(entry, 2)
        # skl2onnx imports a domain twice in one version; which of two versions counts is unsaid.
        if seen.setdefault(domain, opset) != opset:
            raise IntakeError(f"domain {domain or 'ai.onnx'!r} is imported in two versions")
        if domain in OPSETS and opset not in OPSETS[domain]:
            expected = _span(OPSETS[domain])
            raise IntakeError(f"opset {opset} of {domain or 'ai.onnx'} is refused: {expected}")
    if not seen.keys() & {"", ML_DOMAIN}:
        raise IntakeError("not an ONNX file: it imports no operator set")


def _check_graph(graph: dict[int, list[Value]], contract: Contract) -> None:
    nodes = messages(graph, NODE)
    if not 1 <= len(nodes) <= MAX_NODES:
        raise IntakeError(f"1 to {MAX_NODES} operators are expected, not {len(nodes)}")
    for i, node in enumerate(nodes):
        _check_node(collect(node), i)
    names = {check_tensor(tensor) for tensor in messages(graph, INITIALIZER)}
    for sparse in messages(graph, SPARSE_INITIALIZER):
        check_sparse_tensor(sparse)
    if FEATURES_INPUT in names:
        raise IntakeError(
            f"input {FEATURES_INPUT!r} has a default value; it would hide the request"
        )
    _check_value("input", messages(graph, INPUT), FEATURES_INPUT, len(contract.columns))
    _check_value("output", messages(graph, OUTPUT), SCORES_OUTPUT, contract.outputs)


def _check_node(node: dict[int, list[Value]], index: int) -> None:
    operator, domain = one_text(node, OPERATOR), one_text(node, NODE_DOMAIN)
    where = f"operator {operator!r} of domain {domain or 'ai.onnx'!r} (node {index})"
    if not is_allowed(domain, operator):
        raise IntakeError(f"{where} is not on the list of allowed operators")
    for message in messages(node, ATTRIBUTE):
        attribute = collect_past(message, SKIP_SCALARS)
        if SUBGRAPH in attribute or SUBGRAPHS in attribute:
            raise IntakeError(f"{where} holds a graph, which is refused")
        for tensor in (*messages(attribute, TENSOR), *messages(attribute, TENSORS)):
            check_tensor(tensor)
        for sparse in (*messages(attribute, SPARSE), *messages(attribute, SPARSES)):
            check_sparse_tensor(sparse)


def _check_value(role: str, values: list[memoryview], name: str, width: int) -> None:
    """Check that the graph has one such value: float32, any number of rows, `width` columns."""
    found = [collect(value) for value in values]
    names = [one_text(value, VALUE_NAME) for value in found]
    if names != [name]:
        raise IntakeError(f"{role} {name!r} alone is expected, not {names[:10]}")
    kind = one_message(found[0], VALUE_TYPE)
    type_found = collect(kind) if kind is not None else {}
    tensor = one_message(type_found, TENSOR_TYPE)
    if tensor is None or type_found.keys() - {TENSOR_TYPE, DENOTATION}:
        raise IntakeError(f"{role} {name!r}: a tensor is expected")
    tensor_type = collect(tensor)
    element = one_number(tensor_type, ELEMENT)
    if element != FLOAT:
        raise IntakeError(f"{role} {name!r}: float32 (type 1) is expected, not type {element}")
    shape = one_message(tensor_type, SHAPE)
    if shape is None:
        raise IntakeError(f"{role} {name!r}: a shape of 2 dimensions is expected, none is declared")
    _check_shape(f"{role} {name!r}", [collect(dim) for dim in messages(collect(shape), DIM)], width)


def _check_shape(where: str, dims: list[dict[int, list[Value]]], width: int) -> None:
    if len(dims) != 2:
        raise IntakeError(f"{where}: 2 dimensions are expected, not {len(dims)}")
    if DIM_VALUE in dims[0]:
        rows = one_number(dims[0], DIM_VALUE)
        raise IntakeError(f"{where}: any number of rows is expected, not {rows}")
    columns = one_number(dims[1], DIM_VALUE)
    if columns != width:
        declared = columns if DIM_VALUE in dims[1] else "an open number"
        raise IntakeError(f"{where}: {width} columns are expected by the contract, not {declared}")


def _span(versions: range) -> str:
    return f"{versions.start} to {versions.stop - 1}"
