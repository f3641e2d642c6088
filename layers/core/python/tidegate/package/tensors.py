"""A tensor of an ONNX file: its bytes are all in the file, and as many as its shape says."""

from __future__ import annotations

import math

from tidegate.errors import IntakeError
from tidegate.package.wire import (
    FIXED32,
    FIXED64,
    Value,
    collect,
    count_varints,
    fields,
    messages,
    numbers,
    one_message,
    one_number,
    one_text,
)

# TensorProto
DIMS, DATA_TYPE, STRING_DATA, NAME, RAW_DATA = 1, 2, 6, 8, 9
EXTERNAL_DATA, DATA_LOCATION, SEGMENT = 13, 14, 3
TYPED_FIXED = {4: 4, 10: 8}  # float_data, double_data: bytes of one number
TYPED_VARINT = (5, 7, 11)  # int32_data, int64_data, uint64_data
STRING = 8
FLOAT = 1
ELEMENT_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
MAX_RANK = 8

# SparseTensorProto
SPARSE_VALUES, SPARSE_INDICES, SPARSE_DIMS = 1, 2, 3


def check_tensor(message: memoryview) -> str:
    """Return the tensor's name; raise `IntakeError` on outside data or a shape that lies."""
    found = collect(message)
    name = one_text(found, NAME)
    where = f"tensor {name!r}"
    if EXTERNAL_DATA in found or any(found.get(DATA_LOCATION, [])):
        raise IntakeError(f"{where}: external data is refused; all weights belong in the file")
    if SEGMENT in found:
        raise IntakeError(f"{where}: a tensor in segments is refused")
    dims = numbers(found, DIMS)
    kind = one_number(found, DATA_TYPE)
    if len(dims) > MAX_RANK or any(dim < 0 for dim in dims):
        raise IntakeError(f"{where}: at most {MAX_RANK} dimensions, none negative, are expected")
    if kind not in ELEMENT_BYTES and kind != STRING:
        raise IntakeError(f"{where}: element type {kind} is refused")
    wanted, given = math.prod(dims), _count(found, message, kind, where)
    if given != wanted:
        raise IntakeError(f"{where}: its shape says {wanted} elements, the file holds {given}")
    return name


def check_sparse_tensor(message: memoryview) -> None:
    """Check the two tensors of a sparse one; its dense size is bound by nothing, so by us."""
    found = collect(message)
    for part in (one_message(found, SPARSE_VALUES), one_message(found, SPARSE_INDICES)):
        if part is not None:
            check_tensor(part)
    dims = numbers(found, SPARSE_DIMS)
    if any(dim < 0 for dim in dims) or math.prod(dims) > 10_000_000:
        raise IntakeError("a sparse tensor of more than 10 million elements is refused")


def _count(found: dict[int, list[Value]], message: memoryview, kind: int, where: str) -> int:
    """Return how many elements the file holds, in whichever of the fields they are."""
    typed = sum(_typed(number, wire, value) for number, wire, value in fields(message))
    raw = one_message(found, RAW_DATA)
    if raw is None:
        return typed
    if typed or kind == STRING:
        raise IntakeError(f"{where}: data in two forms")
    if len(raw) % ELEMENT_BYTES[kind]:
        raise IntakeError(f"{where}: {len(raw)} bytes are no whole number of elements")
    return len(raw) // ELEMENT_BYTES[kind]


def _typed(number: int, wire: int, value: Value) -> int:
    if wire in (FIXED32, FIXED64) and number not in TYPED_FIXED:
        raise IntakeError(f"not an ONNX file: field {number} of a tensor has no fixed width")
    if number == STRING_DATA:
        return len(messages({number: [value]}, number))
    if number in TYPED_FIXED and isinstance(value, memoryview):
        size = TYPED_FIXED[number]
        if wire in (FIXED32, FIXED64) and len(value) != size:
            raise IntakeError("not an ONNX file: a number of the wrong width")
        if len(value) % size:
            raise IntakeError("not an ONNX file: a list of numbers is cut off")
        return len(value) // size
    if number in TYPED_VARINT:
        return 1 if isinstance(value, int) else count_varints(value)
    return 0
