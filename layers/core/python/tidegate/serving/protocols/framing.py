"""An infer request's frame: a JSON object, and after it the bytes of the tensors that say so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tidegate.contract import Contract
from tidegate.encoding.occurrences import occurs
from tidegate.errors import PayloadTooLargeError, RequestError
from tidegate.serving.protocols.tensors import DATATYPES, DTYPES, TEXT, Tensor, show
from tidegate.serving.requests import parse_strictly

MAX_ID = 1000  # characters
_REQUEST = {"id", "model_name", "parameters", "inputs", "outputs"}
_INPUT = {"name", "shape", "datatype", "parameters", "data"}
_OUTPUT = {"name", "parameters"}
# MLServer's clients say how text is meant; "base64" and the like would mean other values.
CONTENT_TYPES = ("str", "np", "pd")
NOTHING = memoryview(b"")  # after a request that is all JSON
_SIZE, _ALL_BINARY, _BINARY, _MEANT = (
    "binary_data_size",
    "binary_data_output",
    "binary_data",
    "content_type",
)


@dataclass(frozen=True)
class Request:
    """What an infer request holds; `doubt` is why its JSON is none, if its rows don't show it."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[tuple[str, bool], ...]  # name, and whether as bytes; empty: all of them
    binary_output: bool
    id: str | None
    doubt: str


def read_request(
    payload: Mapping[str, Any], tail: memoryview, *, doubt: str, contract: Contract
) -> Request:
    """Read the JSON of a request and the bytes after it, as `split` and `parse` return them.

    Raises `RequestError` for a frame that isn't sound or is for another model than that of the
    contract, `PayloadTooLargeError` above the contract's rows.
    """
    _check_members(payload, _REQUEST, "the request")
    if payload.get("model_name", contract.model) != contract.model:
        raise RequestError(f"the request names another model; here is {contract.model!r}")
    parameters = _parameters(payload, {_ALL_BINARY, _MEANT}, "the request")
    binary = _flag(parameters, _ALL_BINARY)
    inputs = _inputs(_objects(payload, "inputs"), tail, contract.max_rows)
    if not inputs:
        raise RequestError("the request must have inputs, one tensor per column")
    outputs = tuple(_output(one, binary) for one in _objects(payload, "outputs"))
    if len({name for name, _ in outputs}) < len(outputs):
        raise RequestError("an output is asked for twice")
    return Request(inputs, outputs, binary, _id(payload), doubt)


def split(body: bytes, header_length: str) -> tuple[bytes, memoryview]:
    """Return the JSON, of which the header tells the length, and the bytes that follow it.

    Raises `RequestError` when the header is no such length.
    """
    text = str(header_length)
    length = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else -1
    if not 0 < length <= len(body):
        raise RequestError(
            "the header Inference-Header-Content-Length must be the length of the JSON before "
            f"the binary data, from 1 to the body's {len(body)} bytes"
        )
    return body[:length], memoryview(body)[length:]


def parse(head: bytes) -> tuple[dict[str, Any], str]:
    """Return a JSON object, and why it is none if only its rows can show that.

    Raises `RequestError` on anything else, and on repeated keys.
    """
    doubt = ""
    try:
        payload = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        # NaN and numbers beyond float64: the encoder names their rows.
        payload, doubt = parse_strictly(head), error.msg
    else:
        # More colons than keys: some stand in texts, or a key was overwritten by its twin.
        if not occurs(head, b":", _count_keys(payload)):
            parse_strictly(head)
    if not isinstance(payload, dict):
        raise RequestError('the body must be {"inputs": [{"name", "shape", "datatype", "data"}]}')
    return payload, doubt


def _count_keys(payload: object) -> int:
    """Count the keys of a request of the right form; in one of another form they don't add up."""
    if not isinstance(payload, dict):
        return 0
    lists = [payload.get(key) for key in ("inputs", "outputs")]
    tensors = [one for found in lists if isinstance(found, list) for one in found]
    objects = [payload, *(one for one in tensors if isinstance(one, dict))]
    inner = [one["parameters"] for one in objects if isinstance(one.get("parameters"), dict)]
    return sum(map(len, objects)) + sum(map(len, inner))


def _inputs(found: list[dict[str, Any]], tail: memoryview, max_rows: int) -> tuple[Tensor, ...]:
    tensors: dict[str, Tensor] = {}
    at = 0  # how much of the tail was taken
    for one in found:
        name = _name(one, "an input")
        where = f"input {show(name)}"
        _check_members(one, _INPUT, where)
        rows, size = _rows(one, where, max_rows), _size(one, where)
        data: list[Any] | memoryview
        if size is None:
            data = _json_data(one, rows, where)
        else:
            data = _slice(tail[at:], size, one, where)
            at += size
        if name in tensors:
            raise RequestError(f"{where} stands twice")
        tensors[name] = Tensor(name, _datatype(one, where), rows, data)
    if at != len(tail):
        raise RequestError(f"{len(tail) - at} byte(s) after the JSON belong to no input")
    if len({tensor.rows for tensor in tensors.values()}) > 1:
        raise RequestError("every input must have as many rows as the first")
    return tuple(tensors.values())


def _rows(one: Mapping[str, Any], where: str, max_rows: int) -> int:
    shape = one.get("shape")
    whole = isinstance(shape, list) and set(map(type, shape)) == {int}
    if not isinstance(shape, list) or not whole or shape[0] < 0 or shape[1:] not in ([], [1]):
        raise RequestError(f"{where}: the shape must be [rows] or [rows, 1]")
    if shape[0] > max_rows:
        raise PayloadTooLargeError(f"at most {max_rows} rows are taken, not {shape[0]}")
    return int(shape[0])


def _datatype(one: Mapping[str, Any], where: str) -> str:
    datatype = one.get("datatype")
    if isinstance(datatype, str) and datatype in DATATYPES:
        return datatype
    raise RequestError(f"{where}: the datatype must be one of {', '.join(DTYPES)}, {TEXT}")


def _json_data(one: Mapping[str, Any], rows: int, where: str) -> list[Any]:
    """Return flat data; those of [rows, 1] may be nested as their shape is."""
    data = one.get("data")
    if not isinstance(data, list):
        raise RequestError(f"{where}: there must be data (a list) or binary_data_size")
    if len(one["shape"]) == 2 and list in set(map(type, data)):
        if any(type(row) is not list or len(row) != 1 for row in data):
            raise RequestError(f"{where}: the data are not nested as the shape says")
        data = [row[0] for row in data]
    if len(data) != rows:
        raise RequestError(f"{where}: the shape says {rows} elements, the data have {len(data)}")
    return data


def _size(one: Mapping[str, Any], where: str) -> int | None:
    parameters = _parameters(one, {_SIZE, _MEANT}, where)
    size: int | None = parameters.get(_SIZE)
    if _SIZE in parameters and (type(size) is not int or size < 0):
        raise RequestError(f"{where}: {_SIZE} must be a number of bytes")
    return size


def _slice(tail: memoryview, size: int, one: Mapping[str, Any], where: str) -> memoryview:
    if "data" in one:
        raise RequestError(f"{where}: there must be data or {_SIZE}, not both")
    if size > len(tail):
        raise RequestError(f"{where}: {size} bytes are announced and {len(tail)} are left")
    return tail[:size]


def _output(one: Mapping[str, Any], binary: bool) -> tuple[str, bool]:  # noqa: FBT001 - a default
    name = _name(one, "an output")
    where = f"output {show(name)}"
    _check_members(one, _OUTPUT, where)
    return name, _flag(_parameters(one, {_BINARY}, where), _BINARY, default=binary)


def _name(one: Mapping[str, Any], where: str) -> str:
    name = one.get("name")
    if not isinstance(name, str):
        raise RequestError(f"{where} must have a name")
    return name


def _objects(payload: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = payload.get(key, [])
    if not isinstance(found, list) or any(type(one) is not dict for one in found):
        raise RequestError(f"{key} must be a list of objects")
    return found


def _parameters(one: Mapping[str, Any], known: Collection[str], where: str) -> dict[str, Any]:
    found = one.get("parameters", {})
    if not isinstance(found, dict):
        raise RequestError(f"{where}: the parameters must be an object")
    for name in found:
        if name not in known:
            raise RequestError(f"{where}: the parameter {show(name)} is not known")
    if found.get(_MEANT, "np") not in CONTENT_TYPES:
        raise RequestError(f"{where}: content_type must be one of {', '.join(CONTENT_TYPES)}")
    return found


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    value = parameters.get(name, default)
    if type(value) is not bool:
        raise RequestError(f"the parameter {name} must be true or false")
    return value


def _check_members(one: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for name in one:
        if name not in known:
            raise RequestError(f"{where}: the member {show(name)} is not known")


def _id(payload: Mapping[str, Any]) -> str | None:
    found = payload.get("id")
    if found is not None and (not isinstance(found, str) or len(found) > MAX_ID):
        raise RequestError(f"the id must be text of at most {MAX_ID} characters")
    return found
