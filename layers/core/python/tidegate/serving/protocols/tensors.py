"""Tensors of the Open Inference Protocol: one column each, as JSON or as little-endian bytes.

https://github.com/kserve/open-inference-protocol and Triton's binary tensor data extension. What
comes out are JSON values or arrays: one encoder decides for every protocol what a column takes.
Null is `null` in JSON data, NaN in the bytes of a floating tensor and "" in a text tensor, where
the column is nullable; as bytes BOOL and whole numbers have no null.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidegate.contract import Column
from tidegate.errors import Problem, RequestError

TEXT, BOOLEAN = "BYTES", "BOOL"
INTEGERS = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")
HALF = "FP16"
FLOATS = (HALF, "FP32", "FP64")
DTYPES: dict[str, np.dtype[Any]] = {
    BOOLEAN: np.dtype("u1"),
    **{name: np.dtype(name.lower()).newbyteorder("<") for name in INTEGERS},
    HALF: np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
Values = list[Any] | npt.NDArray[Any]
DATATYPES = frozenset({*DTYPES, TEXT})
RANGES = {
    name: (int(np.iinfo(DTYPES[name]).min), int(np.iinfo(DTYPES[name]).max)) for name in INTEGERS
}
_HALF_LIMIT = 65520  # from here on float16 has infinity only
_LENGTH = struct.Struct("<I")  # before each element of a text tensor


class Tensor(NamedTuple):
    """One input as it was sent: `data` is its JSON list, or its bytes."""

    name: str
    datatype: str
    rows: int
    data: list[Any] | memoryview


def datatypes(column: Column) -> tuple[str, ...]:
    """Return the datatypes in which a column is taken, the preferred one first.

    >>> datatypes(Column("late", "boolean"))
    ('BOOL',)
    """
    if column.type == "category":
        return (TEXT,)
    if column.type == "boolean":
        return (BOOLEAN,)
    whole = ("INT64", *(name for name in INTEGERS if name != "INT64"))
    if column.type == "integer":
        # NaN is the only null that bytes can hold, and a null alone makes a column of integers
        # floating in numpy and pandas.
        return whole + (("FP64", "FP32") if column.nullable else ())
    return ("FP64", "FP32", HALF, *whole)


def values(tensor: Tensor, column: Column) -> tuple[Values, list[Problem]]:
    """Return a tensor's values as an encoder takes them, and what its datatype forbids of them.

    Raises `RequestError` when the bytes don't make as many elements as the shape says.
    """
    if isinstance(tensor.data, list):
        found, problems = _from_json(tensor, tensor.data)
    elif tensor.datatype == TEXT:
        found, problems = _texts(tensor, tensor.data)
    else:
        array, problems = _numbers(tensor, tensor.data)
        if column.type == "float":
            return _at_bounds(array, column), problems
        if tensor.datatype not in FLOATS:
            return array, problems
        found = [None if value != value else value for value in array.tolist()]  # noqa: PLR0124
    if tensor.datatype == TEXT and column.nullable and "" not in column.categories:
        found = [None if value == "" else value for value in found]
    elif column.type == "integer" and tensor.datatype in FLOATS:
        found = _whole(found)
    return found, problems


def to_bytes(tensor: Sequence[str] | Sequence[float]) -> bytes:
    """Return the bytes of an output: FP64 of numbers, BYTES of texts."""
    texts = [element.encode() for element in tensor if isinstance(element, str)]
    if not texts:
        return np.array(tensor, dtype="<f8").tobytes()
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def _from_json(tensor: Tensor, data: list[Any]) -> tuple[list[Any], list[Problem]]:
    """Check what JSON's one kind of number hides; types are left to the column's rule."""
    rule = f"must be an {tensor.datatype}"
    if tensor.datatype == HALF:
        return data, _problems(
            data,
            lambda value: type(value) not in (int, float) or not abs(value) >= _HALF_LIMIT,
            name=tensor.name,
            rule=rule,
        )
    if tensor.datatype not in INTEGERS:
        return data, []
    low, high = RANGES[tensor.datatype]
    found = _whole(data)
    return found, _problems(
        found,
        lambda value: value is None or (type(value) is int and low <= value <= high),
        name=tensor.name,
        rule=rule,
    )


def _numbers(tensor: Tensor, data: memoryview) -> tuple[npt.NDArray[Any], list[Problem]]:
    dtype = DTYPES[tensor.datatype]
    if len(data) != tensor.rows * dtype.itemsize:
        raise RequestError(
            f"input {show(tensor.name)}: {tensor.rows} elements of {tensor.datatype} are "
            f"{tensor.rows * dtype.itemsize} bytes, not {len(data)}"
        )
    found: npt.NDArray[Any] = np.frombuffer(data, dtype)
    if tensor.datatype != BOOLEAN:
        return found, []
    wrong = np.flatnonzero(found > 1).tolist()
    problems = [Problem(row, tensor.name, "must be the byte 0 or 1") for row in wrong]
    return found.astype(np.bool_), problems


def _at_bounds(found: npt.NDArray[Any], column: Column) -> npt.NDArray[Any]:
    """Return numbers of few bits with a bound where they hold what is nearest to it.

    0.1 in float32 is larger than 0.1: who may send it in JSON may send it as bytes.
    """
    if found.dtype not in (DTYPES[HALF], DTYPES["FP32"]):
        return found
    exact = found.astype(np.float64)
    for bound in (column.minimum, column.maximum):
        if bound is not None and abs(bound) <= np.finfo(found.dtype).max:
            exact[found == found.dtype.type(bound)] = bound
    return exact


def _texts(tensor: Tensor, data: memoryview) -> tuple[list[Any], list[Problem]]:
    parts = _parts(tensor, bytes(data))
    try:
        return [part.decode() for part in parts], []
    except UnicodeDecodeError:
        rule = "must be UTF-8 text"
        return list(parts), _problems(list(parts), _is_text, name=tensor.name, rule=rule)


def _parts(tensor: Tensor, data: bytes) -> list[bytes]:
    """Read as many length-prefixed elements as the shape says."""
    found: list[bytes] = []
    at, end = 0, len(data)
    while at + _LENGTH.size <= end and len(found) < tensor.rows:
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size + length
        found.append(data[at - length : at])
    if len(found) != tensor.rows or at != end:
        raise RequestError(
            f"input {show(tensor.name)}: the bytes are not {tensor.rows} texts, each after its "
            "length as 4 bytes"
        )
    return found


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _whole(found: list[Any]) -> list[Any]:
    """Write 3.0 as 3: JSON knows one kind of number, and here the datatype says which is meant."""
    if float not in set(map(type, found)):
        return found
    return [int(v) if type(v) is float and math.isfinite(v) and v == int(v) else v for v in found]


def _problems(
    found: list[Any], fits: Callable[[Any], bool], *, name: str, rule: str
) -> list[Problem]:
    return [Problem(row, name, rule) for row, value in enumerate(found) if not fits(value)]


def show(name: str) -> str:
    """Return a client's name for something, quoted, cut and safe to print."""
    return repr(name[:80])
