"""Signs are counted alike in short, long and sparse texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.encoding.occurrences import SHORT, SPARSE, occurs


@pytest.mark.parametrize("sign", [b":", b"["])
@pytest.mark.parametrize("filler", [0, SHORT, 200 * SPARSE])
@given(st.lists(st.sampled_from([b":", b"[", b"a", "\u2236".encode(), b'"']), max_size=200))
def test_no_other_number_is_taken_for_theirs(sign: bytes, filler: int, parts: list[bytes]) -> None:
    text = b"".join(parts) + b" " * filler
    count = parts.count(sign)
    wanted = [number for number in range(-1, count + 3) if occurs(text, sign, number)]
    assert wanted == [count]
