"""From how many bytes on a body is worth a reader that takes a while to get going."""

from __future__ import annotations

LEAST = 1024  # bytes of a body; below, orjson and msgspec read whatever it is
LONG = 2048  # bytes from which rows are read into the contract's types
DENSE = 80  # bytes per array from which arrays are read into buffers: eight numbers, or some more


def is_dense(body: bytes, arrays: int) -> bool:
    """Tell whether a body of so many arrays holds long ones.

    >>> is_dense(b" " * LEAST, 10), is_dense(b" " * LONG, 200)
    (True, False)
    """
    return len(body) >= LEAST and len(body) >= DENSE * arrays
