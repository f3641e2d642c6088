"""Colons of a JSON text: as many as keys, and more only in texts or after repeated keys."""

from __future__ import annotations

import numpy as np

SHORT = 4096  # bytes; numpy counts faster in longer ones


def count_colons(text: bytes) -> int:
    """Count the colons.

    >>> count_colons(b'{"a": 1, "b": 2}')
    2
    """
    if len(text) < SHORT:
        return text.count(b":")
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord(":")))
