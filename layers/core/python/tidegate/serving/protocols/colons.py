"""Colons of a JSON text: as many as keys, and more only in texts or after repeated keys."""

from __future__ import annotations

import numpy as np

SHORT = 4096  # bytes; numpy counts faster in longer ones
SPARSE = 100  # bytes between colons from which it is fastest to go from one to the next


def has_colons(text: bytes, count: int) -> bool:
    """Tell whether there are exactly so many colons.

    >>> has_colons(b'{"a": 1, "b": 2}', 2)
    True
    """
    size = len(text)
    if size < SHORT:
        return text.count(b":") == count
    if count * SPARSE < size:
        return size - len(text.replace(b":", b"", count + 1)) == count
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord(":"))) == count
