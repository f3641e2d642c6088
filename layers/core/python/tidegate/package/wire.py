"""Protobuf's wire format, read without trust: bounded, no recursion, no copy of large fields.

A message is a run of (tag, value); nothing is built, fields are handed out as they come. Whatever
another parser could read in two ways is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from tidegate.errors import IntakeError

Value = int | memoryview
Skipper = Callable[[memoryview, int], int]  # (message, position) -> where the skipped run ends
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT = 10
MAX_FIELD = 2**29 - 1
_ONE_VARINT = rb"[\x80-\xff]{0,9}[\x00-\x7f]"


def fields(message: memoryview) -> Iterator[tuple[int, int, Value]]:
    """Yield (field number, wire type, value); raise `IntakeError` where the bytes are no message.

    >>> [(n, w, v) for n, w, v in fields(memoryview(bytes([8, 150, 1])))]
    [(1, 0, 150)]
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = varint(message, position)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number <= MAX_FIELD:
            raise IntakeError(f"not an ONNX file: field number {number} can't be")
        if wire == VARINT:
            value, position = varint(message, position)
            yield number, wire, value
            continue
        size = 8 if wire == FIXED64 else 4
        if wire == BYTES:
            size, position = varint(message, position)
        elif wire not in (FIXED64, FIXED32):
            raise IntakeError(f"not an ONNX file: wire type {wire} is not used there")
        if size > end - position:
            raise IntakeError("not an ONNX file, or cut off: a field is longer than its message")
        yield number, wire, message[position : position + size]
        position += size


def varint(message: memoryview, position: int) -> tuple[int, int]:
    """Read one variable-length integer; return it and where it ends."""
    result = 0
    for i in range(MAX_VARINT):
        if position + i >= len(message):
            raise IntakeError("not an ONNX file, or cut off: a number ends too early")
        byte = message[position + i]
        result |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return result & (2**64 - 1), position + i + 1
    raise IntakeError("not an ONNX file: a number is too long")


def signed(value: int) -> int:
    """Read an unsigned 64-bit number as protobuf's int64.

    >>> signed(2**64 - 1)
    -1
    """
    return value - 2**64 if value >= 2**63 else value


def text(value: Value) -> str:
    """Return a string field as text."""
    try:
        return bytes(_message(value)).decode()
    except UnicodeDecodeError:
        raise IntakeError("not an ONNX file: a name is not UTF-8") from None


def one_text(found: Mapping[int, list[Value]], number: int) -> str:
    """Return a singular string ('' when absent); given twice, parsers could differ: refused."""
    values = found.get(number, [])
    if len(values) > 1:
        raise IntakeError(f"not a canonical ONNX file: field {number} is given twice")
    return text(values[0]) if values else ""


def one_number(found: Mapping[int, list[Value]], number: int) -> int:
    """Return a singular int64 (0 when absent); refused when given twice."""
    values = found.get(number, [])
    if len(values) > 1:
        raise IntakeError(f"not a canonical ONNX file: field {number} is given twice")
    value = values[0] if values else 0
    if not isinstance(value, int):
        raise IntakeError(f"not an ONNX file: field {number} is not a number")
    return signed(value)


def one_message(found: Mapping[int, list[Value]], number: int) -> memoryview | None:
    """Return a singular sub-message or None; protobuf would merge two, so two are refused."""
    values = found.get(number, [])
    if len(values) > 1:
        raise IntakeError(f"not a canonical ONNX file: field {number} is given twice")
    return _message(values[0]) if values else None


def messages(found: Mapping[int, list[Value]], number: int) -> list[memoryview]:
    """Return a repeated sub-message."""
    return [_message(value) for value in found.get(number, [])]


def numbers(found: Mapping[int, list[Value]], number: int) -> list[int]:
    """Return a repeated int64, packed or not."""
    result: list[int] = []
    for value in found.get(number, []):
        if isinstance(value, int):
            result.append(signed(value))
            continue
        position = 0
        while position < len(value):
            item, position = varint(value, position)
            result.append(signed(item))
    return result


def collect(message: memoryview) -> dict[int, list[Value]]:
    """Return all fields of a small message by number."""
    found: dict[int, list[Value]] = {}
    for number, _, value in fields(message):
        found.setdefault(number, []).append(value)
    return found


def collect_past(message: memoryview, runs: Skipper) -> dict[int, list[Value]]:
    """Return all fields but those that `runs` skips; for messages with a million small fields."""
    found: dict[int, list[Value]] = {}
    position, end = 0, len(message)
    while position < end:
        position = runs(message, position)
        if position >= end:
            break
        start = position
        position = _end_of_field(message, position)
        for number, _, value in fields(message[start:position]):
            found.setdefault(number, []).append(value)
    return found


def repeated_scalars(*, floats: int, ints: int) -> Skipper:
    """Return a skipper of unpacked float and int fields: a million tree nodes in milliseconds."""
    one_float = re.escape(bytes([floats << 3 | FIXED32])) + rb"[\x00-\xff]{4}"
    one_int = re.escape(bytes([ints << 3 | VARINT])) + _ONE_VARINT
    pattern = re.compile(rb"(?:" + one_float + rb"|" + one_int + rb")*+", re.DOTALL)

    def skip(message: memoryview, position: int) -> int:
        match = pattern.match(message, position)
        return match.end() if match else position

    return skip


def count_varints(packed: memoryview) -> int:
    """Count the numbers of a packed field."""
    return len(bytes(packed).translate(None, bytes(range(0x80, 0x100))))


def _end_of_field(message: memoryview, position: int) -> int:
    tag, position = varint(message, position)
    wire = tag & 7
    if wire == VARINT:
        return varint(message, position)[1]
    if wire == BYTES:
        size, position = varint(message, position)
        return position + size
    return position + (8 if wire == FIXED64 else 4)


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise IntakeError("not an ONNX file: a number stands where text or a message belongs")
    return value
