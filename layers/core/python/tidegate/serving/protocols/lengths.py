"""From how many bytes on a body is worth a reader that takes a while to get going."""

from __future__ import annotations

LEAST = 1024  # bytes of a body; below, orjson and msgspec read whatever it is
LONG = 2048  # bytes from which rows are read into the contract's types
DENSE = 80  # bytes per array from which arrays are read into buffers: eight numbers, or some more


def dense_from(arrays: int) -> int:
    """Return from how many bytes on a body of so many arrays holds long ones.

    >>> dense_from(1), dense_from(200)
    (1024, 16000)
    """
    return max(LEAST, DENSE * arrays)
