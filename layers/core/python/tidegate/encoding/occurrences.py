"""How often a sign stands in a JSON text, asked of a number that it should be.

There are as many colons as keys, and as many brackets as arrays. There are more only in texts, and
more colons also after repeated keys.
"""

from __future__ import annotations

import numpy as np

VERY_SHORT = 1024  # bytes: any way is fast, this one needs the least code
SHORT = 4096  # bytes; numpy counts faster in longer ones
SPARSE = 100  # bytes between two from which it is fastest to go from one to the next


def occurs(text: bytes, sign: bytes, times: int) -> bool:
    """Tell whether a sign, one byte, stands exactly so many times in a text.

    >>> occurs(b'{"a": 1, "b": 2}', b":", 2)
    True
    """
    size = len(text)
    if size < VERY_SHORT:
        return text.count(sign) == times
    if times * SPARSE < size:
        return size - len(text.replace(sign, b"", times + 1)) == times
    if size < SHORT:
        return text.count(sign) == times
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord(sign))) == times
